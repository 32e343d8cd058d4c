"""Animated pictures by their structure alone: how many frames, how long, how large, and whether the end is there.

Nothing is decoded, so a bomb of frames costs no more than its bytes. A frame shorter than 20 ms lasts 100 ms, as in
browsers and in FFmpeg.
Sources: GIF89a specification; PNG, third edition, section 11.3.6 (acTL, fcTL); WebP container specification (ANMF).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from alciato.errors import BadMedia


class Frame(NamedTuple):
    """One frame as its header describes it: size in pixels, time in seconds."""

    width: int
    height: int
    seconds: float


def frames(data: bytes, kind: str) -> Iterator[Frame]:
    """Yield the frames of a picture of kind GIF, PNG or WebP; nothing where it is not animated.

    Raises `BadMedia` (truncated) where the bytes end before the structure does.
    """
    walk = {"GIF": _gif, "PNG": _png, "WebP": _webp}.get(kind)
    if walk is None:
        return
    try:
        yield from walk(data)
    except (IndexError, struct.error) as error:
        raise BadMedia("truncated", f"the {kind} ends before it is complete.") from error


def _shown(seconds: float) -> float:
    return seconds if seconds >= 0.02 else 0.1


def _gif(data: bytes) -> Iterator[Frame]:
    position = 13 + _color_table(data[10])
    delay = 0.0
    while position < len(data) and data[position] != 0x3B:  # trailer; many writers leave it out
        if data[position] == 0x21:  # extension
            if data[position + 1] == 0xF9:  # graphic control: delay in hundredths
                delay = struct.unpack_from("<H", data, position + 4)[0] / 100
            position = _past_blocks(data, position + 2)
        elif data[position] == 0x2C:  # image
            width, height, flags = struct.unpack_from("<HHB", data, position + 5)
            position = _past_blocks(data, position + 11 + _color_table(flags))
            yield Frame(width, height, _shown(delay))
        else:
            raise BadMedia("broken", f"the GIF holds an unknown block at byte {position}.")


def _color_table(flags: int) -> int:
    """Bytes of the color table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, position: int) -> int:
    while size := data[position]:
        position += size + 1
    return position + 1


def _png(data: bytes) -> Iterator[Frame]:
    position, animated = 8, False
    while True:
        size, name = struct.unpack_from(">I4s", data, position)
        if name == b"acTL":
            animated = True
        elif name == b"IDAT" and not animated:
            return  # a still picture: decoding it will check the rest
        elif name == b"fcTL":
            width, height, _, _, over, under = struct.unpack_from(">IIIIHH", data, position + 12)
            yield Frame(width, height, _shown(over / (under or 100)))
        elif name == b"IEND":
            return
        position += size + 12


def _webp(data: bytes) -> Iterator[Frame]:
    end = struct.unpack_from("<I", data, 4)[0] + 8
    if end > len(data):
        raise BadMedia("truncated", "the WebP ends before it is complete.")
    position = 12
    while position + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, position)
        if name == b"ANMF":
            fields = data[position + 14 : position + 23]
            width, height, milliseconds = (int.from_bytes(fields[i : i + 3], "little") for i in (0, 3, 6))
            yield Frame(width + 1, height + 1, _shown(milliseconds / 1000))
        position += 8 + size + (size & 1)
