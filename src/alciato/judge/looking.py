"""Pictures of an item, decoded small: for models that see, and for the report. Untrusted bytes, bounded pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping

from PIL import Image as Pictures
from PIL import ImageOps, UnidentifiedImageError

from alciato.errors import BadMedia
from alciato.item import Image, Item, Video
from alciato.models import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 50_000_000
Media = Callable[[str], bytes]
"""Bytes by hash."""


def small_picture(data: bytes, side: int) -> Picture:
    """Decode a picture upright, RGB on white, at most `side` pixels wide and high. Raises `BadMedia`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise BadMedia("too-many-pixels", f"{picture.width} by {picture.height} pixels.")
                picture.draft("RGB", (side, side))
                upright = ImageOps.exif_transpose(picture)
                return _shrunk(upright, side)
    except (UnidentifiedImageError, Pictures.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise BadMedia("broken", f"the picture could not be decoded ({error}).") from error


def frame_at(data: bytes, second: float, side: int) -> Picture:
    """Decode the frame of a clip that is shown at a second, small. Raises `BadMedia`."""
    import av

    try:
        with av.open(io.BytesIO(data), mode="r") as clip:
            stream = clip.streams.video[0]
            if second > 0 and stream.time_base:
                clip.seek(int(second / stream.time_base), stream=stream)
            shown = None
            for frame in clip.decode(stream):
                if shown is not None and frame.time is not None and frame.time > second:
                    break
                shown = frame
            if shown is None:
                raise BadMedia("no-streams", "the clip has no frame.")
            return _shrunk(shown.to_image(), side)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadMedia("broken", f"the clip could not be decoded ({error}).") from error


def pictures_of(item: Item, media: Mapping[str, bytes], side: int = 896, most: int = 4) -> list[Picture]:
    """Give the pictures of an item and the first frame of each clip, in order, at most `most`. Raises `BadMedia`."""
    found: list[Picture] = []
    for part in item.parts:
        if len(found) == most:
            break
        if isinstance(part, Image) and part.media in media:
            found.append(small_picture(media[part.media], side))
        elif isinstance(part, Video) and part.media in media:
            found.append(frame_at(media[part.media], 0.0, side))
    return found


def _shrunk(picture: Picture, side: int) -> Picture:
    picture.thumbnail((side, side), Pictures.Resampling.LANCZOS)
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Pictures.new("RGBA", layer.size, "white")
        return Pictures.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")
