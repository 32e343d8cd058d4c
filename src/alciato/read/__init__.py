"""Read: what is in each item, with where and how sure, kept beside it with the model that read it.

from alciato.read import read
read(collection, settings)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
