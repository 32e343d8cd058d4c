"""The one type that flows through everything: `Item`, and what is said about it.

An item is an ordered list of parts (`Text`, `Image`, `Audio`, `Video`, `Table`), metadata and typed links.
`Post` carries an item together with the bytes of its media on the way into a collection.
`Reading` and `Verdict` are results; each names the item, the part and the place that it speaks of.
Converters: `items_to_arrow`, `items_from_arrow`; `to_openai`, `from_openai`; `from_row` (Hugging Face `datasets`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
