"""The one type that flows through everything: `Item`, and what is said about it.

An item is an ordered list of parts (`Text`, `Image`, `Audio`, `Video`, `Table`), metadata and typed links.
`Post` carries an item together with the bytes of its media on the way into a collection.
`Reading` and `Verdict` are results; each names the item, the part and the place that it speaks of.
"""

from alciato.item.item import Item, Link, Post
from alciato.item.parts import Audio, Image, Media, Part, Scalar, Table, Text, Video, media_hash
from alciato.item.reading import Box, Finding, Reading, Unit
from alciato.item.verdict import Evidence, Verdict

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
    "media_hash",
]
