"""The one type that flows through everything: `Item`, and what is said about it.

An item is an ordered list of parts (`Text`, `Image`, `Audio`, `Video`, `Table`), metadata and typed links.
`Post` carries an item together with the bytes of its media on the way into a collection.
`Reading` and `Verdict` are results; each names the item, the part and the place that it speaks of.
Converters: `items_to_arrow`, `items_from_arrow`; `to_openai`, `from_openai`; `from_row` (Hugging Face `datasets`);
`media_part` (bytes of a picture, clip or recording).
"""

from typing import TYPE_CHECKING, Any

from alciato.item.item import Item, Link, Post
from alciato.item.parts import Audio, Image, Media, Part, Scalar, Table, Text, Video, media_hash
from alciato.item.reading import Box, Finding, Reading, Unit
from alciato.item.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from alciato.item.arrow import items_from_arrow, items_to_arrow
    from alciato.item.datasets import from_row
    from alciato.item.media import media_part
    from alciato.item.openai import from_openai, to_openai

__all__ = [
    "Audio",
    "Box",
    "Evidence",
    "Finding",
    "Image",
    "Item",
    "Link",
    "Media",
    "Part",
    "Post",
    "Reading",
    "Scalar",
    "Table",
    "Text",
    "Unit",
    "Verdict",
    "Video",
    "from_openai",
    "from_row",
    "items_from_arrow",
    "items_to_arrow",
    "media_hash",
    "media_part",
    "to_openai",
]

_LATER = {
    "from_openai": "openai",
    "from_row": "datasets",
    "items_from_arrow": "arrow",
    "items_to_arrow": "arrow",
    "media_part": "media",
    "to_openai": "openai",
}


def __getattr__(name: str) -> Any:
    """Load a converter when it is first used."""
    from importlib import import_module

    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
