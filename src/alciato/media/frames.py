"""Frames of a clip or an animated picture: sampled four times a second, or one key frame for each shot.

Frames are decoded twice: once small, to learn where the shots are; then only the key frames at full size.
So memory holds one frame at a time, however long the clip is. Decoding runs in a limited process (`media.limits`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from alciato.errors import BadMedia
from alciato.media.clips import open_clip
from alciato.media.limits import check_pixels, isolated_values
from alciato.media.pictures import upright
from alciato.media.shots import Shot, find_shots, histogram, sharpness
from alciato.settings import Limits

RATE = 4.0  # sampled frames a second
MOST = 32  # key frames of one clip
SMALL = 160  # longest side, in pixels, of a frame that is only looked at for its colours
LARGE = 1280  # longest side of a key frame
LONG = 600.0  # seconds; of a longer clip only the keyframes of its encoder (I-frames) are decoded
MANY_FRAMES, MANY_PIXELS = 18_000, 10**10  # the same for a clip of more frames, or of more pixels over all its frames


class Frame(NamedTuple):
    """A decoded frame and its time in seconds."""

    picture: Image.Image
    second: float


class KeyFrame(NamedTuple):
    """The picture that stands for a shot: start, end and its own time in seconds."""

    picture: Image.Image
    second: float
    start: float
    end: float


def key_frames(data: bytes, mime: str, limits: Limits) -> Iterator[KeyFrame]:
    """Yield a key frame for each shot, in order. Raises `BadMedia`."""
    yield from isolated_values("alciato.media.frames:decoded_key_frames", data, mime, limits, limits=limits)


def sampled_frames(data: bytes, mime: str, limits: Limits, longest: int = SMALL) -> Iterator[Frame]:
    """Yield about four frames a second, at most `longest` pixels a side. Raises `BadMedia`."""
    yield from isolated_values("alciato.media.frames:decoded_frames", data, mime, limits, longest, limits=limits)


def decoded_key_frames(data: bytes, mime: str, limits: Limits) -> Iterator[KeyFrame]:
    """Decode the key frames in this process, as `key_frames` does in a limited one."""
    shots, seconds = shots_of(data, mime, limits)
    wanted = [float(seconds[shot.key]) for shot in shots]
    for shot, frame in zip(shots, _frames_at(data, mime, wanted, limits), strict=False):
        yield KeyFrame(frame.picture, frame.second, shot.start, shot.end)


def shots_of(data: bytes, mime: str, limits: Limits) -> tuple[list[Shot], Sequence[float]]:
    """Find the shots, and give the seconds of the sampled frames that they point to. Raises `BadMedia`."""
    seconds, histograms, sharp = [], [], []
    for frame in decoded_frames(data, mime, limits):
        pixels = np.asarray(frame.picture)
        seconds.append(frame.second)
        histograms.append(histogram(pixels))
        sharp.append(sharpness(pixels))
    if not seconds:
        raise BadMedia("broken", "no frame of the clip can be decoded.")
    duration = seconds[-1] + (1 / RATE if len(seconds) == 1 else seconds[-1] - seconds[-2])
    times, sharp_enough = np.array(seconds, np.float64), np.array(sharp, np.float32)
    return find_shots(np.stack(histograms), sharp_enough, times, duration, MOST), seconds


def decoded_frames(data: bytes, mime: str, limits: Limits, longest: int = SMALL) -> Iterator[Frame]:
    """Decode the sampled frames in this process, as `sampled_frames` does in a limited one."""
    for frame in _frames(data, mime, limits, longest, _Sampling()):
        yield Frame(_resized(frame.picture, longest), frame.second)


def _frames_at(data: bytes, mime: str, wanted: Sequence[float], limits: Limits) -> Iterator[Frame]:
    """Yield the frames at the given rising times, large."""
    waiting = list(wanted)
    if not waiting:
        return
    for frame in _frames(data, mime, limits, LARGE, lambda second: second >= waiting[0] - 1e-4):
        yield Frame(_resized(frame.picture, LARGE), frame.second)
        while waiting and frame.second >= waiting[0] - 1e-4:
            waiting.pop(0)
        if not waiting:
            return


class _Sampling:
    """Whether a frame is due, four times a second."""

    def __init__(self) -> None:
        self._last = -np.inf

    def __call__(self, second: float) -> bool:
        due = second - self._last >= 1 / RATE - 1e-3
        self._last = second if due else self._last
        return due


def _frames(data: bytes, mime: str, limits: Limits, longest: int, due: Callable[[float], bool]) -> Iterator[Frame]:
    """Yield the frames that are due at their second; the others are not converted to pictures."""
    try:
        yield from _animation(data, limits, due) if mime.startswith("image/") else _clip(data, limits, longest, due)
    except (BadMedia, MemoryError):
        raise
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise BadMedia("broken", f"the clip cannot be decoded ({error}).") from error


def _animation(data: bytes, limits: Limits, due: Callable[[float], bool]) -> Iterator[Frame]:
    second = 0.0
    with Image.open(io.BytesIO(data)) as opened:
        check_pixels(*opened.size, limits)
        for number, frame in enumerate(ImageSequence.Iterator(opened)):
            if number >= limits.frames or second > limits.seconds:
                return
            if due(second):
                yield Frame(upright(frame.copy()), second)
            shown = float(frame.info.get("duration") or 100) / 1000
            second += shown if shown >= 0.02 else 0.1  # as browsers do


def _clip(data: bytes, limits: Limits, longest: int, due: Callable[[float], bool]) -> Iterator[Frame]:
    import av

    with open_clip(data) as container:
        stream = container.streams.video[0]
        check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
        stream.thread_type = "AUTO"
        if _is_long((container.duration or 0) / av.time_base, stream):
            stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            second = _second(frame, stream)
            if second > limits.seconds:
                return
            if due(second):
                yield Frame(_picture(frame, longest, limits), second)


def _is_long(seconds: float, stream: Any) -> bool:
    """Whether decoding every frame would take too long, by what the container states; `limits` hold if it lies."""
    count = stream.frames or seconds * float(stream.average_rate or 0)
    pixels = stream.codec_context.width * stream.codec_context.height
    return seconds > LONG or count > MANY_FRAMES or count * pixels > MANY_PIXELS


def _second(frame: Any, stream: Any) -> float:
    """Seconds since the clip's first picture; containers may begin at any time."""
    start = float((stream.start_time or 0) * stream.time_base)
    return max(0.0, float(frame.time or 0.0) - start)


def _picture(frame: Any, longest: int, limits: Limits) -> Image.Image:
    check_pixels(frame.width, frame.height, limits)  # a frame may be larger than its container says
    factor = min(1.0, longest / max(frame.width, frame.height))
    size = {"width": max(1, round(frame.width * factor)), "height": max(1, round(frame.height * factor))}
    picture = Image.fromarray(frame.reformat(format="rgb24", **size).to_ndarray())
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _resized(picture: Image.Image, longest: int) -> Image.Image:
    if max(picture.size) > longest:
        picture = picture.copy()
        picture.thumbnail((longest, longest))
    return picture
