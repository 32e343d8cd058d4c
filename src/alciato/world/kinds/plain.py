"""Plain picture: the pictures of `macro` without the capitals; a share of them with words that belong to the scene.

With the same seed, split and options, `make("plain")[i]` is `make("macro")[i]` before the capitals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw
from pydantic import Field

from alciato.world.draw import Draw
from alciato.world.kinds.macro import PictureTruth, ground_and_objects
from alciato.world.phrases import LABELS, SIGNS, WATERMARKS
from alciato.world.post import Composition, Line
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.setting import Family
from alciato.world.writing import BOLD, INK, PLAIN, WHITE, Ink, fitted, write

BOARDS = (
    ((28, 96, 58), WHITE),
    ((250, 246, 232), INK),
    ((24, 58, 130), WHITE),
    ((196, 40, 36), WHITE),
    ((250, 214, 60), INK),
)
"""Colours of a board and its letters."""


class PlainOptions(Options):
    """Options of plain pictures."""

    family: Family = "photograph"
    words: float = Field(0.0, ge=0, le=1, description="share of pictures with words in the scene")
    objects: Bounds = Field((1, 3), description="fewest and most objects")


def compose(draw: Draw, options: PlainOptions) -> Sequence[Composition]:
    """Draw one plain picture."""
    picture, ground, objects = ground_and_objects(draw, options.size, options.family, options.objects)
    lines = [line for write_some in _chosen(draw, options.words) for line in write_some(draw, picture)]
    truth = PictureTruth(ground=ground, objects=objects, lines=tuple(lines), language="en" if lines else None)
    return [Composition((picture,), truth, "plain")]


def _chosen(draw: Draw, share: float) -> list[Callable[[Draw, Image.Image], list[Line]]]:
    if not draw.chance(share):
        return []
    return draw.some((sign, label, watermark), draw.pick((1, 1, 2)))


def sign(draw: Draw, picture: Image.Image) -> list[Line]:
    """Put up a board with a word on it."""
    word = draw.one(SIGNS)
    board, letters = draw.pick(BOARDS)
    size = draw.whole(max(9, picture.height // 12), max(10, picture.height // 8))
    face = fitted(word, size, int(picture.width * 0.7), BOLD)
    width, height = face.getlength(word) + size, size * 1.7
    left, top = draw.real(1, picture.width - width - 2), draw.real(1, picture.height - height - 2)
    paper = ImageDraw.Draw(picture)
    paper.rounded_rectangle((left, top, left + width, top + height), size // 4, fill=board, outline=letters)
    place = (left + width / 2, top + height / 2 - size * 0.72)
    return [write(picture, word, place, face, role="sign", ink=Ink(letters))]


def label(draw: Draw, picture: Image.Image) -> list[Line]:
    """Stick a small paper label somewhere."""
    word = draw.one(LABELS)
    size = max(9, picture.height // 14)
    face = fitted(word, size, picture.width // 2, PLAIN)
    width, height = face.getlength(word) + size // 2, size * 1.5
    left, top = draw.real(1, picture.width - width - 2), draw.real(1, picture.height - height - 2)
    ImageDraw.Draw(picture).rectangle(
        (left, top, left + width, top + height), fill=(255, 252, 236), outline=(150, 140, 120)
    )
    place = (left + width / 2, top + height / 2 - size * 0.72)
    return [write(picture, word, place, face, role="label")]


def watermark(draw: Draw, picture: Image.Image) -> list[Line]:
    """Write a pale name into a lower corner."""
    word = draw.one(WATERMARKS)
    face = fitted(word, max(9, picture.height // 13), int(picture.width * 0.6), PLAIN)
    right = draw.chance(0.5)
    place = (picture.width - 3 if right else 3, picture.height - face.size * 1.45)
    pale = draw.pick(((255, 255, 255), (230, 230, 230)))
    return [write(picture, word, place, face, role="watermark", ink=Ink(pale, 1), align="right" if right else "left")]


KIND = Kind(
    "plain",
    "Plain picture, some with signs, labels, watermarks.",
    compose,
    PictureTruth,
    PlainOptions,
    stream="picture",
)
