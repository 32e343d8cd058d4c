from .collection import Added as Added
from .collection import Collection as Collection
from .embeddings import EncoderInfo as EncoderInfo
from .embeddings import StoredEncoder as StoredEncoder
from .status import Status as Status
