"""Recordings at another rate, through FFmpeg's resampler (PyAV)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resample(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Mono samples (n,) at `rate` Hz as mono samples at `wanted` Hz, of the same duration to one sample."""
    samples = np.nan_to_num(np.asarray(samples, np.float32).reshape(-1))
    if rate == wanted or samples.size == 0:
        return samples
    import av

    resampler = av.AudioResampler(format="fltp", layout="mono", rate=wanted)
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate = rate
    pieces = [piece.to_ndarray()[0] for given in (frame, None) for piece in resampler.resample(given)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
