"""Synthetic tones of known pitch, number and mood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alciato.world.draw import Draw
from alciato.world.post import Recording

RATE = 16_000
"""Samples a second."""
NOTES = {"low": 220.0, "middle": 440.0, "high": 880.0}
"""Pitches that are told apart, in Hz."""


def tone(hertz: float, seconds: float, *, end: float | None = None, loudness: float = 0.4) -> NDArray[np.float32]:
    """A tone that glides from `hertz` to `end` (stays, if None), with soft edges; samples (seconds * RATE,)."""
    count = int(seconds * RATE)
    pitch = np.linspace(hertz, hertz if end is None else end, count)
    wave = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    edge = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.02 * RATE))
    return np.asarray(loudness * wave * edge, np.float32)


def beeps(hertz: float, count: int) -> Recording:
    """So many short tones of one pitch, with pauses between."""
    pause = np.zeros(int(0.12 * RATE), np.float32)
    return Recording(np.concatenate([part for _ in range(count) for part in (tone(hertz, 0.18), pause)]), RATE)


def mood(draw: Draw, valence: int) -> Recording:
    """A chord for a valence of -3..3: major and gliding up when above 0, minor and down when below, one note for 0."""
    root = draw.real(200, 300)
    steps: Sequence[int] = (0,) if valence == 0 else (0, 4, 7) if valence > 0 else (0, 3, 7)
    notes = [root * 2 ** (step / 12) for step in steps]
    glide = 2 ** (valence / 12)
    parts = [tone(note, 0.9, end=note * glide, loudness=0.25) for note in notes]
    return Recording(np.sum(parts, axis=0, dtype=np.float32), RATE)
