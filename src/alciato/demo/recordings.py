"""Recordings: spoken words as WAV or FLAC."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alciato.world.voice import speak

PAUSE = 0.7
"""Seconds between two sentences."""


def spoken(sentences: Sequence[str]) -> tuple[NDArray[np.int16], int]:
    """Speak the sentences with pauses around them: samples (n,), 16 bit, and their rate in Hz."""
    pieces, rate = [], 0
    for sentence in sentences:
        samples, rate = speak(sentence)
        silence = np.zeros(int(PAUSE * rate), np.float32)
        pieces += [silence, samples]
    joined = np.concatenate([*pieces, np.zeros(int(PAUSE * rate), np.float32)])
    return (joined * 32767).astype(np.int16), rate


def write_recording(path: Path, sentences: Sequence[str]) -> None:
    """Write the spoken sentences, as WAV or, if the name ends so, as FLAC."""
    samples, rate = spoken(sentences)
    if path.suffix == ".wav":
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples.tobytes())
        return
    import av

    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
