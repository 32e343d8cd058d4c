"""Pictures: bytes → `Image`, or `Video` where it is animated; and the decoded picture as a person sees it.

Limits are checked before pixels are allocated.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image as Pictures
from PIL import ImageFile, ImageOps

from alciato.errors import BadMedia
from alciato.item.parts import Image, Video, media_hash
from alciato.media.limits import check_animation, check_pixels, check_scans, check_seconds
from alciato.media.sniff import FileKind
from alciato.media.structure import FrameHeader, animation_frames, png_is_whole
from alciato.settings import Limits

_QUARTER_TURNS = (5, 6, 7, 8)  # values of the orientation tag (Exif 0x0112) that swap width and height


def picture_part(data: bytes, kind: FileKind, name: str | None, limits: Limits) -> Image | Video:
    """Build the part of a picture, after proving it whole. Raises `BadMedia` with the reason."""
    animation = _bounded(data, kind, limits)
    width, height = _decode(data, kind, limits)
    medium = media_hash(data)
    if len(animation) < 2:
        return Image(media=medium, mime=kind.mime, name=name, width=width, height=height)
    check_animation(width * height * len(animation), limits)  # every frame is shown on the whole canvas
    seconds = sum(frame.seconds for frame in animation)
    check_seconds(seconds, limits)
    return Video(media=medium, mime=kind.mime, name=name, width=width, height=height, duration=round(seconds, 6))


def decode_picture(data: bytes, limits: Limits) -> Pictures.Image:
    """Decode the first frame of a picture. Raises `BadMedia`: `too-many-pixels` or `broken`."""
    try:
        with Pictures.open(io.BytesIO(data)) as opened:
            check_pixels(*opened.size, limits)
            check_scans(data, opened.width * opened.height, limits)
            opened.load()
            return upright(opened)
    except BadMedia:
        raise
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise BadMedia("broken", f"the picture cannot be decoded ({error}).") from error


def upright(picture: Pictures.Image) -> Pictures.Image:
    """Turn a picture as its EXIF orientation says, lay it on white and give it as RGB."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits a pixel: PIL would cut at 255 instead of scaling
        high = np.asarray(picture).astype(np.uint32)
        picture = Pictures.fromarray((high >> (8 if high.max(initial=0) > 255 else 0)).astype(np.uint8))
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        white = Pictures.new("RGBA", shown.size, "white")
        return Pictures.alpha_composite(white, shown).convert("RGB")
    return picture.convert("RGB")


def _bounded(data: bytes, kind: FileKind, limits: Limits) -> list[FrameHeader]:
    found: list[FrameHeader] = []
    pixels = 0
    for frame in animation_frames(data, kind.name):
        found.append(frame)
        pixels += frame.width * frame.height
        check_pixels(frame.width, frame.height, limits)
        if len(found) > limits.frames:
            raise BadMedia("too-many-frames", f"the animation has more than {limits.frames} frames.")
        check_animation(pixels, limits)
    return found


def _decode(data: bytes, kind: FileKind, limits: Limits) -> tuple[int, int]:
    """Decode the first frame, where no checksum proves it whole; return width and height as shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit speaks, and speaks once
            with Pictures.open(io.BytesIO(data), formats=(_pillow_name(kind),)) as picture:
                check_pixels(*picture.size, limits)
                check_scans(data, picture.width * picture.height, limits)
                width, height = picture.size
                turned = _may_be_turned(data, kind) and picture.getexif().get(0x0112) in _QUARTER_TURNS
                if kind.name != "PNG" or not png_is_whole(data):
                    _load(picture)
    except BadMedia:
        raise
    except Pictures.DecompressionBombError as error:
        message = f"the {kind.name} has more pixels than any setting takes."
        raise BadMedia("too-many-pixels", message) from error
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise _told(data, kind, error) from error
    return (height, width) if turned else (width, height)


def _may_be_turned(data: bytes, kind: FileKind) -> bool:
    """Spare a PNG from being decoded for a tag that it does not have."""
    return kind.name != "PNG" or b"eXIf" in data or b"Raw profile type exif" in data


def _load(picture: ImageFile.ImageFile) -> None:
    # An eighth of the size in grey: all bytes of a JPEG are still read, at a quarter of the time.
    picture.draft("L", (1, 1))
    picture.load()


def _pillow_name(kind: FileKind) -> str:
    return kind.name.upper()


def _told(data: bytes, kind: FileKind, error: Exception) -> BadMedia:
    said = str(error)
    if "Decompressed data too large" in said or "too much memory" in said:
        return BadMedia("too-large", f"a text inside the {kind.name} unpacks to more than it may.")
    cut = "truncated" in said.lower() or {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(kind.name, b"") not in data
    if cut:
        return BadMedia("truncated", f"the {kind.name} ends before it is complete.", remedy="Copy it again.")
    return BadMedia("broken", f"the {kind.name} cannot be decoded ({said or type(error).__name__}).")
