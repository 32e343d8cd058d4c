from .collection import Added as Added
from .collection import Collection as Collection
from .collection import Removed as Removed
from .embeddings import EncoderInfo as EncoderInfo
from .embeddings import StoredEncoder as StoredEncoder
from .health import Problem as Problem
from .status import Status as Status
