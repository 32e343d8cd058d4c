"""Near copies: which pictures and clips of a collection show the same, and how one relates to the other.

from alciato.duplicates import duplicates
clusters = duplicates(collection)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
