"""Text files → posts, and the encodings that are taken: UTF-8, with or without a mark, UTF-16 and UTF-32 with one."""

from __future__ import annotations

import codecs

from alciato.errors import BadMedia
from alciato.item import Item, Post, Text

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(head: bytes) -> str:
    """Tell the encoding by the mark at the start; UTF-8 where there is none."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8")


def decoded(data: bytes) -> str:
    """Decode text; lines end in a line feed alone. Raises `BadMedia` (bad-encoding)."""
    try:
        text = data.decode(encoding_of(data[:4]))
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not {error.encoding.upper()}."
        raise BadMedia("bad-encoding", message, remedy="Save it as UTF-8.") from error
    if "\0" in text:
        raise BadMedia("bad-encoding", "it holds zero characters, as binary files do.", remedy="Save it as UTF-8.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_post(data: bytes, name: str) -> Post:
    """Build the post of a text file: one `Text`. Raises `BadMedia`: bad-encoding, empty."""
    text = decoded(data).strip("\n\ufeff")
    if not text.strip():
        raise BadMedia("empty", "it holds no words.")
    return Post(Item.of([Text(text=text)], {"name": name}))
