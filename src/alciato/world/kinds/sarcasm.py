"""Sarcasm: words against picture. Praise over a bad scene, or a complaint over a pleasant one, is sarcastic.

Neither part alone tells: praise and complaints, pleasant and bad scenes are equally often sarcastic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image

from alciato.item import Text
from alciato.world.concepts import OBJECTS, Thing, pool_of, things
from alciato.world.draw import Draw, Pool
from alciato.world.post import Composition, Line, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, put
from alciato.world.writing import capitals

SCENES = {True: things("pleasant scene"), False: things("bad scene")}
"""What is shown, by whether it is pleasant."""


class Wording(NamedTuple):
    """A caption, one that means the same, and one that means the opposite."""

    original: str
    synonymous: str
    antonymous: str


def _wordings(name: str) -> Pool[Wording]:
    return Pool(name, [Wording(*row) for row in pool_of(name)], key=lambda row: row.original)


WORDINGS = {True: _wordings("praise"), False: _wordings("complaint")}
"""Captions, by whether they praise."""


class SarcasmTruth(Truth):
    """Whether words and picture disagree."""

    praises: bool
    pleasant: bool
    sarcastic: bool
    words: str
    scene: str
    ground: Ground
    objects: tuple[Shown, ...]
    lines: tuple[Line, ...]


class SarcasmOptions(Options):
    """Options of sarcasm."""

    family: Family = "scene"
    layout: Literal["text", "over"] = "text"


def show(draw: Draw, size: int, family: Family, scene: Thing) -> tuple[Image.Image, Ground, tuple[Shown, ...]]:
    """Draw the scene large, with two small things that mean nothing."""
    picture, ground = backdrop(draw, size, family)
    side = draw.pick((0.34, 0.66))
    shown = [put(picture, Wanted(scene.name, scene.character), side, 0.48, 0.56)]
    for number, thing in enumerate(draw.some(draw.of(OBJECTS), 2)):
        shown.append(
            put(picture, Wanted(thing.name, thing.character), 0.16 if side > 0.5 else 0.84, 0.3 + 0.34 * number, 0.22)
        )
    return picture, ground, tuple(shown)


def compose(draw: Draw, options: SarcasmOptions) -> Sequence[Composition]:
    """Draw one post."""
    praises, pleasant = draw.chance(0.5), draw.chance(0.5)
    scene, said = draw.one(SCENES[pleasant]), draw.one(WORDINGS[praises]).original
    picture, ground, objects = show(draw, options.size, options.family, scene)
    lines = tuple(capitals(picture, said, bottom=True)) if options.layout == "over" else ()
    truth = SarcasmTruth(
        praises=praises,
        pleasant=pleasant,
        sarcastic=praises != pleasant,
        words=said,
        scene=scene.name,
        ground=ground,
        objects=objects,
        lines=lines,
    )
    content = (picture,) if options.layout == "over" else (Text(text=said), picture)
    return [Composition(content, truth, "sarcastic" if truth.sarcastic else "sincere")]


KIND = Kind("sarcasm", "Praise or complaint over a pleasant or bad scene.", compose, SarcasmTruth, SarcasmOptions)
