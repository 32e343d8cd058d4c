"""Questions to answers: search, choose passages, answer with citations, or say that the posts do not hold it.

Public: `ask`, `Reply`, `Sentence`, `Citation`, `render`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
