"""PDF files → posts: for each page its words, where it has any, and its picture as it would be printed."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Iterator
from typing import Any

from PIL import Image as Pictures

from alciato.errors import BadMedia
from alciato.item import Image, Item, Post, Text, media_hash
from alciato.item.values import clean_text
from alciato.settings import Limits

DOTS = 150
"""Dots an inch of the page pictures: small print is legible, a sheet of paper has two million pixels."""

PIXELS = 4_000_000
"""Pixels that a page picture has at most; larger sheets are drawn smaller."""


def pages_post(data: bytes, name: str, limits: Limits) -> Post:
    """Build the post of a PDF file. Its parts are named `NAME#page=1` and so on.

    The id is the hash of the file, not of the drawn pages, so that another version of PDFium makes no second post.
    Raises `BadMedia`: truncated, encrypted, broken, too-many-pages, too-large, empty.
    """
    import pypdfium2

    if b"startxref" not in data[-4096:]:
        raise BadMedia("truncated", "the PDF ends before it is complete.", remedy="Copy it again.")
    media: dict[str, bytes] = {}
    parts: list[Any] = []
    try:
        with pypdfium2.PdfDocument(data) as document:
            if len(document) > limits.pages:
                raise BadMedia("too-many-pages", f"it has {len(document)} pages, at most {limits.pages} are taken.")
            for number in range(len(document)):
                parts += _page(document[number], f"{name}#page={number + 1}", media)
                if sum(map(len, media.values())) > limits.bytes:
                    raise BadMedia("too-large", f"its pages take more than {limits.bytes} bytes when drawn.")
    except pypdfium2.PdfiumError as error:
        raise _told(error) from error
    if not parts:
        raise BadMedia("empty", "the PDF has no pages.")
    item = Item.of(parts, {"name": name})
    return Post(item.model_copy(update={"id": hashlib.sha256(data).hexdigest()[:16]}), media)


def _page(page: Any, name: str, media: dict[str, bytes]) -> Iterator[Text | Image]:
    words = _words(page)
    if words:
        yield Text(text=words, name=name)
    width, height = page.get_size()  # points, 72 an inch
    scale = min(DOTS / 72, math.sqrt(PIXELS / max(1.0, width * height)))
    picture = page.render(scale=scale).to_pil().convert("RGB")
    page.close()
    data, mime = _encoded(picture)
    medium = media_hash(data)
    media[medium] = data
    yield Image(media=medium, mime=mime, name=name, width=picture.width, height=picture.height)


def _words(page: Any) -> str:
    text = page.get_textpage().get_text_bounded()
    text = re.sub("[\ufffe\u0002]\\s*", "", text)  # PDFium's mark for a word divided at the end of a line
    return clean_text(text.replace("\r\n", "\n").replace("\0", "").strip())


def _encoded(picture: Pictures.Image) -> tuple[bytes, str]:
    """Keep print exactly; photographs, with their many colors, as JPEG."""
    file = io.BytesIO()
    if picture.getcolors(4096) is not None:
        picture.save(file, "PNG")
        return file.getvalue(), "image/png"
    picture.save(file, "JPEG", quality=90)
    return file.getvalue(), "image/jpeg"


def _told(error: Exception) -> BadMedia:
    if "assword" in str(error) or "ecurity" in str(error):
        return BadMedia("encrypted", "the PDF asks for a password.", remedy="Save it without one.")
    return BadMedia("broken", f"the PDF cannot be read ({error}).")
