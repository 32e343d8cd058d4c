"""Backgrounds (drawn scenes or photographs) and the placement of objects on them without overlap."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from alciato.item import Box
from alciato.world.concepts import Colour
from alciato.world.draw import Draw, Pool
from alciato.world.glyphs import glyph
from alciato.world.photographs import PHOTOGRAPHS, view
from alciato.world.post import Shown

Family = Literal["scene", "photograph", "any"]
"""What a picture's ground is: a drawn scene, a photograph, or either."""


class Landscape(NamedTuple):
    """A drawn ground: its name, the colours of sky and ground, and the share of the height that is sky."""

    name: str
    sky: Colour
    ground: Colour
    horizon: float


LANDSCAPES: Pool[Landscape] = Pool(
    "landscape",
    (
        Landscape("meadow", (140, 200, 240), (122, 180, 92), 0.62),
        Landscape("desert", (250, 214, 160), (222, 180, 112), 0.58),
        Landscape("beach", (150, 214, 240), (240, 222, 170), 0.66),
        Landscape("snow field", (186, 212, 236), (240, 244, 250), 0.55),
        Landscape("evening hill", (236, 150, 120), (96, 78, 104), 0.66),
        Landscape("night meadow", (38, 46, 92), (48, 62, 70), 0.68),
        Landscape("sea shore", (176, 216, 240), (58, 120, 178), 0.5),
        Landscape("street", (206, 212, 222), (128, 130, 138), 0.7),
        Landscape("red planet", (214, 150, 120), (176, 86, 58), 0.6),
        Landscape("wheat field", (170, 210, 240), (226, 196, 90), 0.56),
        Landscape("kitchen", (240, 232, 214), (190, 152, 112), 0.72),
        Landscape("stage", (110, 44, 62), (150, 104, 70), 0.74),
        Landscape("morning lawn", (246, 206, 196), (104, 156, 84), 0.64),
        Landscape("moon base", (24, 26, 38), (160, 162, 168), 0.6),
        Landscape("forest", (126, 166, 130), (104, 84, 58), 0.66),
        Landscape("purple valley", (202, 184, 232), (140, 112, 170), 0.6),
        Landscape("classroom", (222, 232, 216), (168, 132, 96), 0.76),
        Landscape("ice rink", (196, 226, 240), (220, 236, 246), 0.6),
        Landscape("sports hall", (236, 222, 190), (204, 140, 80), 0.68),
        Landscape("rainy square", (140, 152, 166), (96, 104, 112), 0.62),
    ),
    key=lambda landscape: landscape.name,
)


class Ground(NamedTuple):
    """What is behind everything: its name, and the family that it is of."""

    name: str
    family: Literal["scene", "photograph"]


def backdrop(draw: Draw, size: int | tuple[int, int], family: Family = "scene") -> tuple[Image.Image, Ground]:
    """Make a fresh ground of `size` pixels (a side, or width and height)."""
    measure = (size, size) if isinstance(size, int) else size
    if family == "photograph" or (family == "any" and draw.chance(0.5)):
        name = draw.one(PHOTOGRAPHS)
        return view(draw, name, measure).copy(), Ground(name, "photograph")
    landscape = draw.one(LANDSCAPES)
    shift = draw.whole(-10, 10)
    return _landscape(landscape, measure, shift).copy(), Ground(landscape.name, "scene")


@lru_cache(maxsize=1024)
def _landscape(landscape: Landscape, size: tuple[int, int], shift: int) -> Image.Image:
    width, height = size
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    horizon = landscape.horizon + shift / 200
    sky = np.array(landscape.sky, np.float32) * (1 - 0.35 * share) + 255 * 0.35 * share
    ground = np.array(landscape.ground, np.float32) * (1.08 - 0.2 * (share - horizon))
    rows = np.where(share < horizon, sky, ground) + shift  # (height, 3)
    return Image.fromarray(np.repeat(rows.clip(0, 255).astype(np.uint8)[:, None], width, axis=1))


def landscape_of(landscape: Landscape, size: tuple[int, int]) -> Image.Image:
    """Draw a chosen landscape, width and height in pixels."""
    return _landscape(landscape, size, 0).copy()


class Wanted(NamedTuple):
    """An object that shall be shown."""

    name: str
    character: str
    colour: str | None = None


def scatter(
    draw: Draw, picture: Image.Image, wanted: Sequence[Wanted], *, area: Box | None = None, fill: float = 0.9
) -> tuple[Shown, ...]:
    """Paste the objects at random, none over another, within `area`; give them with their boxes.

    `fill` is the most of its cell that an object covers; objects are at least 7 in 10 of that.
    """
    area = area or Box(0, 0, picture.width, picture.height)
    columns, rows = _cells(len(wanted), (area.right - area.left) / (area.bottom - area.top))
    width, height = (area.right - area.left) / columns, (area.bottom - area.top) / rows
    shown = []
    for cell, what in zip(draw.rng.permutation(columns * rows)[: len(wanted)], wanted, strict=True):
        side = max(6, int(min(width, height) * fill * draw.real(0.7, 1.0)))
        mark = glyph(what.character, side, what.colour)
        left = area.left + (int(cell) % columns) * width + draw.real(0, max(0.0, width - mark.width))
        top = area.top + (int(cell) // columns) * height + draw.real(0, max(0.0, height - mark.height))
        shown.append(paste(picture, what, mark, (left, top)))
    return tuple(shown)


def paste(picture: Image.Image, what: Wanted, mark: Image.Image, place: tuple[float, float]) -> Shown:
    """Paste a drawn object with its left top corner near `place`, inside the picture; give its box."""
    left = int(max(0, min(place[0], picture.width - mark.width)))
    top = int(max(0, min(place[1], picture.height - mark.height)))
    picture.paste(mark, (left, top), mark)
    return Shown(what.name, what.character, what.colour, Box(left, top, left + mark.width, top + mark.height))


def _cells(count: int, shape: float) -> tuple[int, int]:
    """Columns and rows for so many things in an area whose width is `shape` times its height."""
    columns = max(1, round((count * shape) ** 0.5))
    rows = -(-count // columns)
    return columns, rows


def put(picture: Image.Image, what: Wanted, x: float, y: float, share: float) -> Shown:
    """Paste an object with its middle at (x, y), shares of width and height; its longest side is `share` of it."""
    mark = glyph(what.character, max(6, int(picture.width * share)), what.colour)
    return paste(picture, what, mark, (picture.width * x - mark.width / 2, picture.height * y - mark.height / 2))
