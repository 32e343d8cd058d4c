"""Encodes frames and sound as MP4 (H.264, AAC); the same frames give the same bytes on one machine."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np

from alciato.world.post import Clip, Recording

SLICE = 1024
"""Samples of one frame of AAC."""


def mp4_bytes(clip: Clip) -> bytes:
    """Encode a clip. Sides must be even; one thread, so that the bytes do not depend on the machine's load."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        width, height = clip.frames[0].size
        picture: Any = container.add_stream("libx264", rate=clip.rate)
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        picture.options = {"preset": "ultrafast", "crf": "20", "threads": "1", "bf": "0"}
        sound: Any = container.add_stream("aac", rate=clip.sound.rate, layout="mono") if clip.sound else None
        for number, frame in enumerate(clip.frames):
            shown = av.VideoFrame.from_image(frame)
            shown.pts, shown.time_base = number, Fraction(1, clip.rate)
            container.mux(picture.encode(shown))
        container.mux(picture.encode())
        if clip.sound is not None:
            _mux_sound(container, sound, clip.sound)
    return file.getvalue()


def _mux_sound(container: Any, stream: Any, sound: Recording) -> None:
    import av

    samples = np.ascontiguousarray(sound.samples, dtype=np.float32)
    for start in range(0, len(samples), SLICE):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + SLICE], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, start, Fraction(1, sound.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
