"""PDF files → posts: for each page its words, where it has any, and its picture as it would be printed.

Pages are read and drawn in a limited process: PDFium can be kept busy without end by a small file.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image as Pictures

from alciato.errors import BadMedia
from alciato.item import Image, Item, Post, Text, media_hash
from alciato.item.values import clean_text
from alciato.media.limits import isolated_values
from alciato.settings import Limits

DOTS = 150
"""Dots an inch of the page pictures: small print is legible, a sheet of paper has two million pixels."""

PIXELS = 4_000_000
"""Pixels that a page picture has at most; larger sheets are drawn smaller."""

SIDE = 20_000
"""Pixels of its longer side at most: a sheet may be a thousandth of a point wide and a mile high."""

PAGE_SECONDS = 1.0
"""Processor seconds that each page adds to `limits.work_seconds`."""


def pages_post(data: bytes, name: str, limits: Limits) -> Post:
    """Build the post of a PDF file. Its parts are named `NAME#page=1` and so on.

    The id is the hash of the file, not of the drawn pages, so that another version of PDFium makes no second post.
    Raises `BadMedia`: truncated, encrypted, broken, too-many-pages, too-large, too-much-work, empty.
    """
    if b"startxref" not in data[-4096:]:
        raise BadMedia("truncated", "the PDF ends before it is complete.", remedy="Copy it again.")
    media: dict[str, bytes] = {}
    parts: list[Text | Image] = []
    number = 0
    pages = isolated_values("alciato.sources.pages:drawn_pages", data, limits, limits=limits, each=PAGE_SECONDS)
    try:
        for number, page in enumerate(pages, 1):
            parts += page.parts(f"{name}#page={number}", media)
            if sum(map(len, media.values())) > limits.bytes:
                raise BadMedia("too-large", f"its pages take more than {limits.bytes} bytes when drawn.")
    except BadMedia as error:
        if error.reason == "too-much-work":
            raise BadMedia(error.reason, f"page {number + 1}: {error.what}", remedy=error.remedy) from error
        raise
    if not parts:
        raise BadMedia("empty", "the PDF has no pages.")
    item = Item.of(parts, {"name": name})
    return Post(item.model_copy(update={"id": hashlib.sha256(data).hexdigest()[:16]}), media)


class DrawnPage(NamedTuple):
    """A page: its words, and its picture as bytes of a file."""

    words: str
    data: bytes
    mime: str
    width: int
    height: int

    def parts(self, name: str, media: dict[str, bytes]) -> Iterator[Text | Image]:
        """Yield its parts, and put its bytes among the media."""
        if self.words:
            yield Text(text=self.words, name=name)
        medium = media_hash(self.data)
        media[medium] = self.data
        yield Image(media=medium, mime=self.mime, name=name, width=self.width, height=self.height)


def drawn_pages(data: bytes, limits: Limits) -> Iterator[DrawnPage]:
    """Draw the pages in this process, as `pages_post` does in a limited one."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(data) as document:
            if len(document) > limits.pages:
                raise BadMedia("too-many-pages", f"it has {len(document)} pages, at most {limits.pages} are taken.")
            for number in range(len(document)):
                yield _drawn(document[number])
    except pypdfium2.PdfiumError as error:
        raise _told(error) from error


def _drawn(page: Any) -> DrawnPage:
    words = _words(page)
    width, height = page.get_size()  # points, 72 an inch
    longest = max(1.0, width, height)
    scale = min(DOTS / 72, math.sqrt(PIXELS / max(1.0, width * height)), SIDE / longest)
    picture = page.render(scale=scale).to_pil().convert("RGB")
    page.close()
    data, mime = _encoded(picture)
    return DrawnPage(words, data, mime, picture.width, picture.height)


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
