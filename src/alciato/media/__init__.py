"""Media: bytes of pictures, clips, recordings and pages → validated parts and decoded pictures, frames and sound.

Kinds are told by content; every decoder is bounded by `alciato.settings.Limits`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
