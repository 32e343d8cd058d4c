"""Needle in stitched pictures: M pictures, each a grid of N by N little scenes, and a caption that fits one or none.

Source: MMNeedle, arXiv 2406.11230. Places count from 0 in the truth; `answer` is the benchmark's form, counted from 1.
No two cells of a haystack, nor an absent needle, have the same caption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image
from pydantic import Field

from alciato.item import Box, Text
from alciato.world.concepts import COLOURS, OBJECTS
from alciato.world.draw import Draw
from alciato.world.post import Composition, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Wanted, backdrop, scatter


class Cell(NamedTuple):
    """A little scene: which picture, row and column (from 0), its box, and its caption."""

    picture: int
    row: int
    column: int
    box: Box
    caption: str


class Needle(NamedTuple):
    """What is looked for: its caption, and its place, -1 three times where it is nowhere."""

    caption: str
    picture: int
    row: int
    column: int


class NeedleTruth(Truth):
    """A haystack: every cell, and the needles."""

    pictures: int
    side: int
    cells: tuple[Cell, ...]
    needles: tuple[Needle, ...]
    answer: str


class NeedleOptions(Options):
    """Options of needles."""

    size: int = Field(256, ge=48, le=2048, description="pixels of a stitched picture's side")
    pictures: int = Field(1, ge=1, le=10, description="stitched pictures, M")
    side: int = Field(4, ge=1, le=8, description="cells in a row and in a column, N")
    needles: int = Field(1, ge=1, le=5, description="captions that are asked for")
    negative: float = Field(0.2, ge=0, le=1, description="share of the haystacks that hold none of the needles")


def compose(draw: Draw, options: NeedleOptions) -> Sequence[Composition]:
    """Draw one haystack."""
    count = options.pictures * options.side**2
    scenes = _scenes(draw, count + options.needles)
    pictures, cells = [], []
    for index in range(options.pictures):
        chosen = scenes[index * options.side**2 : (index + 1) * options.side**2]
        picture, stitched = _stitched(draw, options, index, chosen)
        pictures.append(picture)
        cells += stitched
    negative = draw.chance(options.negative)
    if negative:
        needles = [Needle(_caption(scene), -1, -1, -1) for scene in scenes[count:]]
    else:
        wanted = draw.some(cells, options.needles)
        needles = [Needle(cell.caption, cell.picture, cell.row, cell.column) for cell in wanted]
    truth = NeedleTruth(
        pictures=options.pictures,
        side=options.side,
        cells=tuple(cells),
        needles=tuple(needles),
        answer="; ".join(_answer(needle) for needle in needles),
    )
    captions = [Text(text=needle.caption, name="caption") for needle in needles]
    return [Composition((*pictures, *captions), truth, "absent" if negative else "present")]


def _scenes(draw: Draw, count: int) -> list[tuple[Wanted, Wanted]]:
    """Draw so many different pairs of coloured things."""
    concepts, colours = draw.of(OBJECTS), tuple(COLOURS)
    found: dict[frozenset[tuple[str, str]], tuple[Wanted, Wanted]] = {}
    while len(found) < count:
        one, other = (Wanted(concept.name, concept.character, draw.pick(colours)) for concept in draw.some(concepts, 2))
        found.setdefault(frozenset({(one.name, str(one.colour)), (other.name, str(other.colour))}), (one, other))
    return list(found.values())


def _stitched(
    draw: Draw, options: NeedleOptions, index: int, scenes: Sequence[tuple[Wanted, Wanted]]
) -> tuple[Image.Image, list[Cell]]:
    side = options.size // options.side
    whole = Image.new("RGB", (side * options.side, side * options.side))
    cells = []
    for number, scene in enumerate(scenes):
        row, column = divmod(number, options.side)
        small, _ = backdrop(draw, side)
        scatter(draw, small, scene, fill=0.95)
        left, top = column * side, row * side
        whole.paste(small, (left, top))
        cells.append(Cell(index, row, column, Box(left, top, left + side, top + side), _caption(scene)))
    return whole, cells


def _caption(scene: tuple[Wanted, Wanted]) -> str:
    told = [f"{'an' if str(one.colour)[0] in 'aeiou' else 'a'} {one.colour} {one.name}" for one in scene]
    return " and ".join(told)


def _answer(needle: Needle) -> str:
    return "-1" if needle.picture < 0 else f"{needle.picture + 1}, {needle.row + 1}, {needle.column + 1}"


KIND = Kind(
    "needle",
    "Stitched grids of little scenes, and a caption that fits one cell or none.",
    compose,
    NeedleTruth,
    NeedleOptions,
)
