"""Draws text on pictures and gives the bounding box of every line and word; nothing is recognised.

Boxes are those of the glyphs' ink in height, and of the letters' advance in width.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from alciato.item import Box
from alciato.world.concepts import Colour
from alciato.world.letters import BLACK, BOLD, PLAIN, script_of, typeface
from alciato.world.post import Line, Word

__all__ = [
    "BLACK",
    "BOLD",
    "INK",
    "PLAIN",
    "WHITE",
    "Block",
    "Ink",
    "around",
    "capitals",
    "fitted",
    "height_of",
    "paragraph",
    "wrapped",
    "write",
]
WHITE: Colour = (255, 255, 255)
INK: Colour = (24, 24, 28)
SMALLEST = 8
"""Pixels of a letter's em at least: smaller ones cannot be read."""


class Ink(NamedTuple):
    """The colour of letters, and the width of a black outline in pixels."""

    fill: Colour
    outline: int = 0


DARK = Ink(INK)
Align = Literal["left", "middle", "right"]


def write(
    picture: Image.Image,
    words: str,
    place: tuple[float, float],
    face: ImageFont.FreeTypeFont,
    *,
    role: str,
    ink: Ink = DARK,
    align: Align = "middle",
) -> Line:
    """Write one line: x of `place` is that of the side that `align` names, y the top of the letters' em."""
    fill, outline = ink
    width = face.getlength(words)
    x = place[0] - {"left": 0.0, "middle": width / 2, "right": width}[align]
    x = float(round(max(outline, min(x, picture.width - outline - width))))
    covered = face.getbbox(words, anchor="la", stroke_width=outline)
    top = float(round(max(0.0, min(place[1] - min(covered[1], 0), picture.height - covered[3]))))
    draw = ImageDraw.Draw(picture)
    stroke = {"stroke_width": outline, "stroke_fill": (0, 0, 0)} if outline else {}
    draw.text((x, top), words, font=face, fill=fill, anchor="la", **stroke)  # type: ignore[arg-type]
    high, low = max(0.0, top + covered[1]), min(float(picture.height), top + covered[3])
    box = Box(max(0.0, x - outline), high, min(float(picture.width), x + width + outline), low)
    return Line(words, box, _words(words, face, x, picture.width, (high, low)), role)


def _words(
    words: str, face: ImageFont.FreeTypeFont, x: float, width: int, rows: tuple[float, float]
) -> tuple[Word, ...]:
    found, start = [], 0
    for word in words.split():
        at = words.index(word, start)
        start = at + len(word)
        left, right = x + face.getlength(words[:at]), x + face.getlength(words[:start])
        found.append(Word(word, Box(max(0.0, left), rows[0], min(float(width), right), rows[1])))
    return tuple(found)


@lru_cache(maxsize=65536)
def fitted(words: str, size: int, width: int, weight: int = BOLD) -> ImageFont.FreeTypeFont:
    """Open the largest face up to `size` pixels in which the words fit the width; never under `SMALLEST`."""
    face = typeface(words, size, weight)
    length = face.getlength(words)
    while length > width and size > SMALLEST:
        size = max(SMALLEST, min(size - 1, int(size * width / length)))
        face = typeface(words, size, weight)
        length = face.getlength(words)
    return face


@lru_cache(maxsize=65536)
def wrapped(words: str, size: int, width: int, weight: int = BOLD, most: int = 3) -> tuple[tuple[str, ...], int]:
    """Break words into at most `most` lines of nearly equal length; give them and the largest size that fits them all.

    Chinese and Japanese break anywhere, other scripts at spaces. Fewer lines win where the size is the same.
    """
    best: tuple[tuple[str, ...], int] = ((words,), 0)
    for count in range(1, most + 1):
        lines = _broken(words, count)
        fits = min(int(fitted(line, size, width, weight).size) for line in lines)
        over = any(typeface(line, fits, weight).getlength(line) > width for line in lines)
        fits = 0 if over else fits
        if fits > best[1]:
            best = (lines, fits)
    return best if best[1] else (_broken(words, most), SMALLEST)


def _broken(words: str, count: int) -> tuple[str, ...]:
    glue = "" if script_of(words) == "han" and " " not in words else " "
    pieces = list(words) if not glue else words.split()
    goal, line = len(words) / count, ""
    lines: list[str] = []
    for piece in pieces:
        longer = f"{line}{glue}{piece}" if line else piece
        if line and len(lines) < count - 1 and len(longer) > goal + len(piece) / 2:
            lines.append(line)
            line = piece
        else:
            line = longer
    return (*lines, line)


class Block(NamedTuple):
    """How a paragraph is set: the size of its letters at most, its width, and the number of its lines at most."""

    size: int
    width: int
    most: int = 3
    weight: int = PLAIN
    ink: Ink = DARK
    align: Align = "left"


def paragraph(
    picture: Image.Image, words: str, place: tuple[float, float], block: Block, role: str
) -> tuple[list[Line], float]:
    """Set words in lines below one another from `place`; give the lines, and where the next thing may begin."""
    lines, size = wrapped(words, block.size, block.width, block.weight, block.most)
    step, written = round(size * 1.25), []
    for row, line in enumerate(lines):
        face = typeface(line, size, block.weight)
        at = (place[0], place[1] + row * step)
        written.append(write(picture, line, at, face, role=role, ink=block.ink, align=block.align))
    return written, place[1] + step * len(lines)


def height_of(words: str, block: Block) -> int:
    """Pixels that a paragraph takes from top to bottom."""
    lines, size = wrapped(words, block.size, block.width, block.weight, block.most)
    return round(size * 1.25) * len(lines)


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of them."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def capitals(picture: Image.Image, words: str, *, bottom: bool) -> list[Line]:
    """Lay white capitals with a black outline over the top or the bottom of the picture, in one to three lines."""
    margin = max(2, picture.height // 40)
    shown = words.upper()
    lines, size = wrapped(shown, max(10, picture.height // 8), int(picture.width * 0.94), BLACK, 2)
    outline, step = max(1, size // 9), round(size * 1.12)
    top = picture.height - margin - step * len(lines) - size // 6 if bottom else margin - size // 8
    role = "bottom" if bottom else "top"
    written = []
    for row, line in enumerate(lines):
        face = typeface(line, size, BLACK)
        place = (picture.width / 2, top + row * step)
        written.append(write(picture, line, place, face, role=role, ink=Ink(WHITE, outline)))
    return written
