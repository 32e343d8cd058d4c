"""The collection: items, media, readings, searchable segments and verdicts in LanceDB tables.

A folder or an `s3://` URI. Versioned, atomic, one writer at a time, any number of readers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
