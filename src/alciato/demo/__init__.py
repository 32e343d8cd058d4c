"""Builds real posts from what packages ship, and runs every verb over them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
