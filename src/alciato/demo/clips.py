"""Moving pictures: a clip with speech (MP4, H.264 and AAC) and an animated GIF; the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alciato.demo.recordings import spoken

FRAMES_A_SECOND = 10


def write_clip(path: Path, shots: Sequence[tuple[Image.Image, float, str]]) -> None:
    """Write a clip of still shots: picture, seconds, words that are said meanwhile."""
    import av

    sound, rate = _sound(shots)
    with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        picture = container.add_stream("libx264", rate=FRAMES_A_SECOND, options={"crf": "20", "threads": "1"})
        picture.width, picture.height, picture.pix_fmt = *shots[0][0].size, "yuv420p"
        picture.codec_context.flags |= av.codec.context.Flags.bitexact
        audio = container.add_stream("aac", rate=rate, layout="mono")
        audio.codec_context.flags |= av.codec.context.Flags.bitexact
        for still, seconds, _ in shots:
            for _frame in range(round(seconds * FRAMES_A_SECOND)):
                container.mux(picture.encode(av.VideoFrame.from_image(still.convert("RGB"))))
        container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(sound[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def write_animation(path: Path, frames: Sequence[Image.Image], milliseconds: int) -> None:
    """Write an animated GIF that repeats."""
    first, *others = [frame.convert("RGB").quantize(128, dither=Image.Dither.NONE) for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=milliseconds, loop=0, disposal=1)


def _sound(shots: Sequence[tuple[Image.Image, float, str]]) -> tuple[NDArray[np.int16], int]:
    """Each shot's words from its beginning, cut or filled to its length."""
    said = [spoken([words]) if words else None for _, _, words in shots]
    rate = next(speech[1] for speech in said if speech)
    pieces = []
    for (_, seconds, _), speech in zip(shots, said, strict=True):
        track = np.zeros(round(seconds * rate), np.int16)
        if speech:
            track[: len(speech[0])] = speech[0][: len(track)]
        pieces.append(track)
    return np.concatenate(pieces), rate
