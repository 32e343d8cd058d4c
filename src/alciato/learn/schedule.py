"""Learning-rate schedule: linear warm-up, then cosine decay.

Source: SGDR, arXiv 1608.03983, without restarts; warm-up as in arXiv 1706.02677.
factor(s) = (s + 1) / w for s < w, else m + (1 - m) * (1 + cos(pi * (s - w) / (n - w))) / 2
with n steps, w = round(warmup_ratio * n) warm-up steps, m the final factor. It depends on the step alone, so that a
resumed run needs no state for it.
"""

from __future__ import annotations

import math


def learning_rate_factor(step: int, steps: int, warmup_ratio: float, minimum: float) -> float:
    """Factor of the learning rate at a step, in (0, 1]; `step` counts from 0 to `steps` - 1."""
    warmup = round(warmup_ratio * steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return minimum + (1 - minimum) * (1 + math.cos(math.pi * progress)) / 2
