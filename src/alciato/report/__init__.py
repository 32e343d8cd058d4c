"""Reports: verdicts as one HTML page, as JSON lines, and as a table for the terminal."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
