"""Bytes of a still picture to what a person sees: upright, RGB, on white, within the limits."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from alciato.errors import BadMedia
from alciato.settings import Limits


def decode_picture(data: bytes, limits: Limits) -> Image.Image:
    """Decode the first frame of a picture. Raises `BadMedia`: `too-many-pixels` or `broken`."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            check_pixels(*opened.size, limits)
            opened.load()
            return upright(opened)
    except BadMedia:
        raise
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise BadMedia("broken", f"the picture cannot be decoded ({error}).") from error


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Refuse what would fill the memory, before it is decoded. Raises `BadMedia`: `too-many-pixels`."""
    if width * height > limits.pixels:
        raise BadMedia(
            "too-many-pixels",
            f"{width} x {height} pixels, at most {limits.pixels} are taken.",
            remedy="Raise limits.pixels if the file is trusted.",
        )


def upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF orientation says, lay it on white and give it as RGB."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits a pixel: PIL would cut at 255 instead of scaling
        high = np.asarray(picture).astype(np.uint32)
        picture = Image.fromarray((high >> (8 if high.max(initial=0) > 255 else 0)).astype(np.uint8))
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        white = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(white, shown).convert("RGB")
    return picture.convert("RGB")
