"""Injects spurious cues: marks unrelated to a post's content that are correlated with its label at a chosen rate."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageDraw

from alciato.item import Text
from alciato.world.draw import Draw
from alciato.world.post import Content
from alciato.world.registry import Cue
from alciato.world.writing import WHITE, fitted, write

MAGENTA, GREY = (230, 20, 200), (128, 128, 128)


def injected(draw: Draw, cue: Cue, label: str | None, content: tuple[Content, ...]) -> tuple[tuple[Content, ...], bool]:
    """Put the cue into a post as often as its label says; tell whether it stands there.

    A position cue is a mark in every picture: at the left top where the cue stands, anywhere else where it does not.
    """
    present = draw.chance(cue.rates.get(label or "", 0.0))
    if cue.kind == "position":
        return _first_picture(content, lambda picture: _mark(draw, picture, present)), present
    if not present:
        return content, False
    if cue.kind == "colour":
        return _first_picture(content, _edge), True
    return _worded(content, cue.word), True


def _first_picture(content: tuple[Content, ...], change: Callable[[Image.Image], Image.Image]) -> tuple[Content, ...]:
    for place, part in enumerate(content):
        if isinstance(part, Image.Image):
            return (*content[:place], change(part.copy()), *content[place + 1 :])
    return content


def _edge(picture: Image.Image) -> Image.Image:
    width = max(2, picture.width // 40)
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width - 1, picture.height - 1), outline=MAGENTA, width=width)
    return picture


def _mark(draw: Draw, picture: Image.Image, present: bool) -> Image.Image:
    side = max(4, picture.width // 14)
    cells = [(column, row) for row in range(4) for column in range(4) if (column, row) != (0, 0)]
    column, row = (0, 0) if present else draw.pick(cells)
    left, top = 2 + column * (picture.width - side - 4) // 3, 2 + row * (picture.height - side - 4) // 3
    ImageDraw.Draw(picture).rectangle((left, top, left + side, top + side), fill=GREY)
    return picture


def _worded(content: tuple[Content, ...], word: str) -> tuple[Content, ...]:
    for place, part in enumerate(content):
        if isinstance(part, Text):
            changed = part.model_copy(update={"text": f"{part.text} {word}"})
            return (*content[:place], changed, *content[place + 1 :])
    return _first_picture(content, lambda picture: _plate(picture, word))


def _plate(picture: Image.Image, word: str) -> Image.Image:
    """Write the word on a small plate at the left edge, half way down, where no kind writes."""
    face = fitted(word, max(9, picture.height // 14), picture.width // 2)
    width, height = face.getlength(word) + 6, face.size * 1.5
    top = (picture.height - height) / 2
    ImageDraw.Draw(picture).rectangle((0, top, width, top + height), fill=WHITE)
    write(picture, word, (3, top + height / 2 - face.size * 0.72), face, role="cue", align="left")
    return picture
