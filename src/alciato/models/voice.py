"""Where in a recording somebody speaks: the plain function over the packaged `VoiceActivity`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alciato.item import Finding
from alciato.models.protocols import VoiceActivity
from alciato.models.runtime import Runtime, default_runtime


def voice_activity(samples: NDArray[np.float32], rate: int, runtime: Runtime | None = None) -> list[Finding]:
    """Give spans with `start`, `end` (seconds) and `confidence`; samples (n,) mono, -1..1, rate in Hz."""
    return (runtime or default_runtime()).load("packaged:silero-vad", VoiceActivity).spans(samples, rate)
