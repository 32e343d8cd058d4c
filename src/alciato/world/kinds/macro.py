"""Image macro: white capitals with a black outline over a picture. `plain` gives the same picture without them.

Truth: every line and word with its box, so that the visual part (the picture without its words) is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PIL import Image
from pydantic import Field

from alciato.world.concepts import COLOURS, OBJECTS
from alciato.world.draw import Draw
from alciato.world.phrases import PHRASE_LANGUAGES, phrases
from alciato.world.post import Composition, Line, Shown, Truth
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, scatter
from alciato.world.writing import capitals


class PictureTruth(Truth):
    """A picture with or without words: what is on it, and every line of words with its box."""

    ground: Ground
    objects: tuple[Shown, ...]
    lines: tuple[Line, ...]
    language: str | None


class MacroOptions(Options):
    """Options of image macros."""

    family: Family = "scene"
    language: Literal[PHRASE_LANGUAGES] | Literal["any"] = "en"  # type: ignore[valid-type]
    objects: Bounds = Field((1, 3), description="fewest and most objects")


def ground_and_objects(
    draw: Draw, size: int, family: Family, count: tuple[int, int]
) -> tuple[Image.Image, Ground, tuple[Shown, ...]]:
    """Draw the picture that macro and plain picture share."""
    picture, ground = backdrop(draw, size, family)
    sorts = draw.some(draw.of(OBJECTS), draw.whole(*count))
    colours = [draw.pick(tuple(COLOURS)) if draw.chance(0.3) else None for _ in sorts]
    wanted = [Wanted(sort.name, sort.character, colour) for sort, colour in zip(sorts, colours, strict=True)]
    return picture, ground, scatter(draw, picture, wanted, fill=0.8)


def compose(draw: Draw, options: MacroOptions) -> Sequence[Composition]:
    """Draw one image macro."""
    picture, ground, objects = ground_and_objects(draw, options.size, options.family, options.objects)
    language = draw.pick(PHRASE_LANGUAGES) if options.language == "any" else options.language
    phrase = draw.one(phrases(language))
    where = draw.pick(("both", "both", "top", "bottom"))
    lines = capitals(picture, phrase.top, bottom=False) if where != "bottom" else []
    if where != "top":
        lines += capitals(picture, phrase.bottom if where == "both" else phrase.top, bottom=True)
    truth = PictureTruth(ground=ground, objects=objects, lines=tuple(lines), language=language)
    return [Composition((picture,), truth, "macro", {"language": language})]


KIND = Kind("macro", "Image macro: capitals over a picture.", compose, PictureTruth, MacroOptions, stream="picture")
