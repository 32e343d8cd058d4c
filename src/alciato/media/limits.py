"""Limits on untrusted media: sizes are checked before memory is allocated, decoders run in a limited process.

What a decoder does with bytes that were made to break it cannot be bounded from inside: a page of PDF with 400,000
paths, a clip of 1,000 frames a second. Such decoders run in a process of their own (`alciato.executor.isolated`) with
`limits.work_seconds` of processor time and `limits.memory_bytes` of memory, and are ended when they exceed them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alciato.errors import BadMedia
from alciato.executor import Exceeded, WorkLimits, isolated
from alciato.settings import Limits

FRAMES_OF_FULL_SIZE = 20
"""An animation may hold, over all its frames, this many times the pixels that one picture may."""
TRUSTED = "if the file is trusted."


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture or frame that would fill the memory. Raises `BadMedia`: `too-many-pixels`."""
    if width * height > limits.pixels:
        message = f"it has {width} by {height} pixels, at most {limits.pixels} are taken."
        raise BadMedia("too-many-pixels", message, remedy=f"Raise limits.pixels {TRUSTED}")


def check_animation(pixels: int, limits: Limits) -> None:
    """Refuse an animation whose frames hold too many pixels together. Raises `BadMedia`: `too-many-pixels`."""
    most = limits.pixels * FRAMES_OF_FULL_SIZE
    if pixels > most:
        raise BadMedia("too-many-pixels", f"its frames have more than {most} pixels together.")


def check_scans(data: bytes, pixels: int, limits: Limits) -> None:
    """Refuse a progressive JPEG that draws all its pixels thousands of times. Raises `BadMedia`: `too-much-work`."""
    scans = data.count(b"\xff\xda") if data.startswith(b"\xff\xd8") else 1
    if scans * pixels > limits.pixels * FRAMES_OF_FULL_SIZE:
        raise BadMedia("too-much-work", f"it has {scans} scans of {pixels} pixels.")


def check_seconds(seconds: float, limits: Limits) -> None:
    """Refuse a clip or recording that is too long. Raises `BadMedia`: `too-long`."""
    if seconds > limits.seconds:
        message = f"it lasts {seconds:.0f} s or more, at most {limits.seconds:.0f} s are taken."
        raise BadMedia("too-long", message, remedy="Cut it, or raise limits.seconds.")


def isolated_values(function: str, *arguments: Any, limits: Limits, each: float = 0.0) -> Iterator[Any]:
    """Yield what `module:function` yields in a limited process; each value allows `each` seconds more.

    Raises `BadMedia`: `too-much-work`, or what the function raises.
    """
    work = WorkLimits(limits.work_seconds, limits.memory_bytes, each)
    try:
        yield from isolated(function, *arguments, limits=work)
    except Exceeded as error:
        remedy = f"Raise limits.work_seconds or limits.memory_bytes {TRUSTED}"
        raise BadMedia("too-much-work", f"decoding it was stopped: {error}.", remedy=remedy) from error


def isolated_one(function: str, *arguments: Any, limits: Limits) -> Any:
    """Give what `module:function` returns in a limited process. Raises as `isolated_values`."""
    (value,) = isolated_values(function, *arguments, limits=limits)
    return value
