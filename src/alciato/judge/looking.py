"""Pictures of an item, decoded small: for models that see, and for the report."""

from __future__ import annotations

from collections.abc import Mapping

from alciato.errors import BadMedia
from alciato.item import Image, Item, Video
from alciato.media.frames import sampled_frames
from alciato.media.pictures import decode_picture
from alciato.models import Picture
from alciato.settings import Limits

ENOUGH = 0.2
"""Seconds by which a frame may come before the one that is asked for."""


def small_picture(data: bytes, side: int, limits: Limits) -> Picture:
    """Decode a picture upright, RGB on white, at most `side` pixels wide and high. Raises `BadMedia`."""
    picture = decode_picture(data, limits)
    picture.thumbnail((side, side))
    return picture


def frame_at(data: bytes, mime: str, second: float, side: int, limits: Limits) -> Picture:
    """Decode about the frame that is shown at a second, at most `side` pixels wide and high. Raises `BadMedia`."""
    shown = None
    for frame in sampled_frames(data, mime, limits, longest=side):
        if shown is not None and frame.second > second:
            break
        shown = frame.picture
        if frame.second > second - ENOUGH:
            break
    if shown is None:
        raise BadMedia("broken", "no frame of the clip can be decoded.")
    return shown


def pictures_of(
    item: Item, media: Mapping[str, bytes], limits: Limits, side: int = 896, most: int = 4
) -> list[Picture]:
    """Give the pictures of an item and the first frame of each clip, in order, at most `most`. Raises `BadMedia`."""
    found: list[Picture] = []
    for part in item.parts:
        if len(found) == most:
            break
        if isinstance(part, Image) and part.media in media:
            found.append(small_picture(media[part.media], side, limits))
        elif isinstance(part, Video) and part.media in media:
            found.append(frame_at(media[part.media], part.mime, 0.0, side, limits))
    return found
