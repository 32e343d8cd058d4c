from .item import Audio as Audio
from .item import Image as Image
from .item import Item as Item
from .item import Link as Link
from .item import Post as Post
from .item import Reading as Reading
from .item import Table as Table
from .item import Text as Text
from .item import Verdict as Verdict
from .item import Video as Video
from .library import Library as Library
from .library import open as open  # noqa: A004 - alciato.open, as in gzip.open
from .settings import Settings as Settings
from .settings import load_settings as load_settings
from .store import Collection as Collection

__version__: str
