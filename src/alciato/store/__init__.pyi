from .collection import Added as Added
from .collection import Collection as Collection
from .status import Status as Status
