"""The learning rate: a linear warm-up, then half a cosine.

Source: SGDR, arXiv 1608.03983, without restarts; warm-up as in arXiv 1706.02677.
factor(s) = (s + 1) / w for s < w, else l + (1 - l) * (1 + cos(pi * (s - w) / (n - w))) / 2
with n steps, w = round(share * n) of them warm-up, l the factor at the end. It depends on the step alone, so that
a resumed run needs no state for it.
"""

from __future__ import annotations

import math


def rate_factor(step: int, steps: int, warm_up: float, last: float) -> float:
    """Factor of the learning rate at a step, in (0, 1]; `step` counts from 0 to `steps` - 1."""
    rising = round(warm_up * steps)
    if step < rising:
        return (step + 1) / rising
    turn = (step - rising) / max(1, steps - rising)
    return last + (1 - last) * (1 + math.cos(math.pi * turn)) / 2
