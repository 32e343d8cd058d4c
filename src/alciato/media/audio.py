"""Any clip or recording to sound as models take it: mono, 16 kHz, float32, in chunks of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from alciato.errors import BadMedia
from alciato.media.clips import open_clip
from alciato.media.limits import isolated_values
from alciato.settings import Limits

SOUND_RATE = 16_000  # samples a second
CHUNK = 10  # seconds
Samples = NDArray[np.float32]


def sound(data: bytes, limits: Limits) -> Iterator[Samples]:
    """Yield the sound in chunks of 10 s, the last one shorter: (n,) within -1..1. Nothing if there is no sound.

    What lies beyond `limits.seconds` is left out. Raises `BadMedia`: `broken`, `too-much-work`.
    """
    yield from isolated_values("alciato.media.audio:decoded_sound", data, limits, limits=limits)


def decoded_sound(data: bytes, limits: Limits) -> Iterator[Samples]:
    """Decode the sound in this process, as `sound` does in a limited one."""
    waiting: list[Samples] = []
    size = CHUNK * SOUND_RATE
    left = int(limits.seconds * SOUND_RATE)
    for piece in _decoded(data):
        waiting.append(piece[:left])
        left -= len(waiting[-1])
        if sum(map(len, waiting)) >= size or not left:
            joined = np.concatenate(waiting)
            whole = len(joined) // size * size if left else len(joined)
            yield from (joined[start : start + size] for start in range(0, whole, size))
            waiting = [joined[whole:]]
        if not left:
            return
    rest = np.concatenate(waiting) if waiting else np.empty(0, dtype=np.float32)
    if len(rest):
        yield rest


def stretches(chunks: Iterator[Samples], longest: float = 60.0) -> Iterator[tuple[float, Samples]]:
    """Cut sound into stretches of at most `longest` seconds, at quiet moments; give each with its start in seconds."""
    waiting, start = np.empty(0, dtype=np.float32), 0.0
    size = int(longest * SOUND_RATE)
    for chunk in chunks:
        waiting = np.concatenate([waiting, chunk])
        while len(waiting) >= size:
            cut = quietest(waiting[:size], size * 2 // 3)
            yield start, waiting[:cut]
            waiting, start = waiting[cut:], start + cut / SOUND_RATE
    if len(waiting):
        yield start, waiting


def quietest(samples: Samples, first: int) -> int:
    """Middle of the quietest fifth of a second, looked for from sample `first` on."""
    window = SOUND_RATE // 5
    count = (len(samples) - first) // window
    loudness = np.square(samples[first : first + count * window].reshape(count, window)).mean(1)
    return first + int(loudness.argmin()) * window + window // 2


def _decoded(data: bytes) -> Iterator[Samples]:
    import av

    try:
        with open_clip(data) as container:
            if not container.streams.audio:
                return
            resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND_RATE)
            for frame in container.decode(container.streams.audio[0]):
                yield from _flat(resampler.resample(frame))
            yield from _flat(resampler.resample(None))
    except MemoryError:
        raise
    except Exception as error:  # a decoder may raise anything on bytes made to break it
        raise BadMedia("broken", f"the sound cannot be decoded ({error}).") from error


def _flat(frames: list[object]) -> Iterator[Samples]:
    for frame in frames:
        yield np.clip(frame.to_ndarray().ravel(), -1, 1).astype(np.float32)  # type: ignore[attr-defined]
