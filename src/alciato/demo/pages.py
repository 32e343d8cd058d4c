"""A PDF file written by hand: pages with a text layer in Helvetica and a picture, in the few objects they need.

Format: PDF 1.4 (ISO 32000-1): catalogue, page tree, one font, and for each page its content and its picture.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap

from PIL import Image

WIDTH, HEIGHT, MARGIN = 420, 595, 40  # A5 in points


@dataclass(frozen=True)
class Sheet:
    """A page: a title, paragraphs, and a picture below them."""

    title: str
    paragraphs: Sequence[str]
    picture: Image.Image | None = None


@dataclass
class _Objects:
    """The numbered objects of a file."""

    bodies: list[bytes] = field(default_factory=list)

    def add(self, body: bytes) -> int:
        self.bodies.append(body)
        return len(self.bodies)

    def add_stream(self, entries: bytes, data: bytes) -> int:
        return self.add(b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data))


def write_pages(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write the sheets as a PDF file."""
    objects = _Objects(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
    )
    numbers = [_page(objects, sheet) for sheet in sheets]
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects.bodies[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(numbers))
    path.write_bytes(_file(objects.bodies))


def _page(objects: _Objects, sheet: Sheet) -> int:
    content = _words(sheet)
    drawn = b""
    if sheet.picture:
        width, height = sheet.picture.size
        entries = b"/Type /XObject /Subtype /Image /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
        number = objects.add_stream(entries + b" /Width %d /Height %d" % (width, height), _jpeg(sheet.picture))
        drawn = b"/XObject << /P %d 0 R >>" % number
        shown = WIDTH - 2 * MARGIN
        content += b"\nq %d 0 0 %d %d %d cm /P Do Q" % (shown, shown * height // width, MARGIN, MARGIN)
    stream = objects.add_stream(b"", content)
    box = b"[0 0 %d %d]" % (WIDTH, HEIGHT)
    return objects.add(
        b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents %d 0 R /Resources << /Font << /F 3 0 R >> %s >> >>"
        % (box, stream, drawn)
    )


def _words(sheet: Sheet) -> bytes:
    lines = [b"BT /F 24 Tf %d %d Td (%s) Tj" % (MARGIN, HEIGHT - 70, _escaped(sheet.title)), b"/F 13 Tf 18 TL T*"]
    for paragraph in sheet.paragraphs:
        lines += [b"T*", *(b"(%s) Tj T*" % _escaped(line) for line in wrap(paragraph, 52))]
    return b"\n".join([*lines, b"ET"])


def _escaped(words: str) -> bytes:
    return words.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.convert("RGB").save(data, "JPEG", quality=88)
    return data.getvalue()


def _file(bodies: Sequence[bytes]) -> bytes:
    """Join the objects, with the table of their places at the end."""
    made, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(bodies, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(made)
