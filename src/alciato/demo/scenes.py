"""Pictures without words: photographs that scikit-image ships, and scenes set with OpenMoji's little pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from alciato.world.letters import pictograph

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
