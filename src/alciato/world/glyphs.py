"""Renders OpenMoji glyphs as images: rendered once per process, recoloured, resized.

A glyph is drawn once at `MASTER` pixels (0.6 ms) and cut to what it covers, so that its box in a picture is exact;
sized copies are kept too. A cache on disk would save under a tenth of a second a process, so there is none.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from alciato.world.concepts import COLOURS
from alciato.world.letters import pictograph

MASTER = 160
"""Pixels of the em square in which a glyph is drawn first."""


@lru_cache(maxsize=4096)
def glyph(character: str, side: int, colour: str | None = None) -> Image.Image:
    """Give the character with its longest side `side` pixels, RGBA, cut to what it covers; `colour` of `COLOURS`.

    The picture is shared: paste it, do not change it.
    """
    master = _master(character) if colour is None else _painted(character, colour)
    scale = side / max(master.size)
    return master.resize(
        (max(1, round(master.width * scale)), max(1, round(master.height * scale))), Image.Resampling.BOX
    )


@lru_cache(maxsize=1024)
def _master(character: str) -> Image.Image:
    canvas = Image.new("RGBA", (2 * MASTER, 2 * MASTER))
    place = (MASTER, MASTER)
    ImageDraw.Draw(canvas).text(place, character, font=pictograph(MASTER), anchor="mm", embedded_color=True)
    return canvas.crop(canvas.getbbox())


@lru_cache(maxsize=1024)
def _painted(character: str, colour: str) -> Image.Image:
    """Paint the fills in one colour; outlines stay black, light stays light."""
    pixels = np.asarray(_master(character)).astype(np.float32)  # (height, width, 4)
    light = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    outline = np.clip((0.32 - light) / 0.12, 0, 1)[..., None]  # 1 on the black lines
    paint = np.array(COLOURS[colour], np.float32)
    fill = paint * (0.62 + 0.38 * light[..., None])
    pixels[..., :3] = fill * (1 - outline) + pixels[..., :3] * outline
    return Image.fromarray(pixels.round().astype(np.uint8), "RGBA")
