"""Search: posts by words, by a picture, or by both; near copies; each hit says which part matched, and why.

from alciato.search import search
hits = search(collection, "a cat that wants Monday to end", where="created_at > '2024-05-01'")
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
