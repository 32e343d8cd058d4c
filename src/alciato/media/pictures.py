"""Bytes of a picture → `Image`, or `Video` where it is animated. Limits are checked before pixels are allocated."""

from __future__ import annotations

import io
import warnings

from PIL import Image as Pictures
from PIL import ImageFile

from alciato.errors import BadMedia
from alciato.item.parts import Image, Video, media_hash
from alciato.media.animations import Frame, frames
from alciato.media.png import proven_whole
from alciato.media.sniff import Kind
from alciato.settings import Limits

FRAMES_OF_FULL_SIZE = 20
"""An animation may hold, over all its frames, this many times the pixels that one picture may."""

_QUARTER_TURNS = (5, 6, 7, 8)  # values of the orientation tag (Exif 0x0112) that swap width and height


def picture_part(data: bytes, kind: Kind, name: str | None, limits: Limits) -> Image | Video:
    """Build the part of a picture, after proving it whole. Raises `BadMedia` with the reason."""
    animation = _bounded(data, kind, limits)
    width, height = _decode(data, kind, limits)
    medium = media_hash(data)
    if len(animation) < 2:
        return Image(media=medium, mime=kind.mime, name=name, width=width, height=height)
    _check_all(width * height * len(animation), limits)  # every frame is shown on the whole canvas
    seconds = sum(frame.seconds for frame in animation)
    if seconds > limits.seconds:
        raise BadMedia("too-long", f"the animation lasts {seconds:.0f} s, at most {limits.seconds:.0f} s are taken.")
    return Video(media=medium, mime=kind.mime, name=name, width=width, height=height, duration=round(seconds, 6))


def _bounded(data: bytes, kind: Kind, limits: Limits) -> list[Frame]:
    found: list[Frame] = []
    pixels = 0
    for frame in frames(data, kind.name):
        found.append(frame)
        pixels += frame.width * frame.height
        _check_pixels(frame.width, frame.height, limits)
        if len(found) > limits.frames:
            raise BadMedia("too-many-frames", f"the animation has more than {limits.frames} frames.")
        _check_all(pixels, limits)
    return found


def _decode(data: bytes, kind: Kind, limits: Limits) -> tuple[int, int]:
    """Decode the first frame, where no checksum proves it whole; return width and height as shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit speaks, and speaks once
            with Pictures.open(io.BytesIO(data), formats=(_pillow_name(kind),)) as picture:
                _check_pixels(*picture.size, limits)
                width, height = picture.size
                turned = _may_be_turned(data, kind) and picture.getexif().get(0x0112) in _QUARTER_TURNS
                if kind.name != "PNG" or not proven_whole(data):
                    _load(picture)
    except BadMedia:
        raise
    except Pictures.DecompressionBombError as error:
        message = f"the {kind.name} has more pixels than any setting takes."
        raise BadMedia("too-many-pixels", message) from error
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise _told(data, kind, error) from error
    return (height, width) if turned else (width, height)


def _may_be_turned(data: bytes, kind: Kind) -> bool:
    """Spare a PNG from being decoded for a tag that it does not have."""
    return kind.name != "PNG" or b"eXIf" in data or b"Raw profile type exif" in data


def _load(picture: ImageFile.ImageFile) -> None:
    # An eighth of the size in grey: all bytes of a JPEG are still read, at a quarter of the time.
    picture.draft("L", (1, 1))
    picture.load()


def _pillow_name(kind: Kind) -> str:
    return kind.name.upper()


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        message = f"it has {width} by {height} pixels, at most {limits.pixels} are taken."
        raise BadMedia("too-many-pixels", message, remedy="Raise limits.pixels if you trust it.")


def _check_all(pixels: int, limits: Limits) -> None:
    if pixels > limits.pixels * FRAMES_OF_FULL_SIZE:
        message = f"its frames have more than {limits.pixels * FRAMES_OF_FULL_SIZE} pixels together."
        raise BadMedia("too-many-pixels", message)


def _told(data: bytes, kind: Kind, error: Exception) -> BadMedia:
    said = str(error)
    if "Decompressed data too large" in said or "too much memory" in said:
        return BadMedia("too-large", f"a text inside the {kind.name} unpacks to more than it may.")
    cut = "truncated" in said.lower() or {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(kind.name, b"") not in data
    if cut:
        return BadMedia("truncated", f"the {kind.name} ends before it is complete.", remedy="Copy it again.")
    return BadMedia("broken", f"the {kind.name} cannot be decoded ({said or type(error).__name__}).")
