"""Pictures without words: photographs that scikit-image ships, and scenes set with OpenMoji's little pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from alciato.demo.letters import pictograph
from alciato.errors import MissingPackage

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "coins", "horse", "hubble_deep_field", "moon",
               "motorcycle_left", "retina", "rocket", "gravel", "brick", "page")  # fmt: skip
"""Photographs in scikit-image's wheel that need no download."""


@cache
def photograph(name: str) -> Image.Image:
    """Open one of `PHOTOGRAPHS`, at most 720 pixels wide or high."""
    found = find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise MissingPackage("the demo shows photographs of scikit-image.", remedy="pip install scikit-image")
    folder = Path(found.submodule_search_locations[0], "data")
    file = next(folder.glob(f"{name}.*"))
    picture: Image.Image = Image.open(file)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("RGB")
    picture.thumbnail((720, 720))
    return picture


Placed = tuple[str, float, float, float]
"""A little picture: the character, its centre (x, y, 0..1 of width and height), its size (0..1 of the height)."""


def scene(sky: str, ground: str, placed: Sequence[Placed], *, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Set little pictures before a sky that pales downward, and a ground."""
    width, height = size
    made = _sky(sky, size)
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, int(height * 0.74), width, height), fill=ground)
    for character, x, y, share in placed:
        face = pictograph(int(height * share))
        draw.text((x * width, y * height), character, font=face, anchor="mm", embedded_color=True)
    return made


def _sky(colour: str, size: tuple[int, int]) -> Image.Image:
    width, height = size
    top = np.array(Image.new("RGB", (1, 1), colour).getpixel((0, 0)), dtype=np.float32)
    share = np.linspace(0, 0.45, height, dtype=np.float32)[:, None]
    rows = top * (1 - share) + 255 * share
    return Image.fromarray(np.repeat(rows[:, None, :], width, axis=1).astype(np.uint8))
