"""Intervals over independent units, the outcome of a comparison, and its power by simulation.

The interval of a mean of paired differences is Student's t interval (scipy.stats.t; nominal coverage 95 % where the
differences are about normal; five units: 2.78 standard errors each way). With one unit there is no interval.
Power: differences are drawn from a normal distribution with a pilot's standard deviation and the rule is applied to
each draw; the shares of "supported" are the power (true difference half of the paper's effect) and the rate of false
support (true difference 0, and just at the margin).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Outcome = Literal["supported", "not supported", "unclear"]
CONFIDENCE = 0.95
SIMULATIONS = 20_000
MOST_UNITS = 1000


class Interval(NamedTuple):
    """Mean over independent units, its standard deviation and t interval; None where one unit shows no spread."""

    mean: float
    std: float | None
    low: float | None
    high: float | None
    units: int


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Give the mean of values of independent units with Student's t interval."""
    from scipy import stats

    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return Interval(mean, None, None, None, len(array))
    std = float(array.std(ddof=1))
    error = std / len(array) ** 0.5
    if error <= 1e-12 * max(1.0, abs(mean)):  # all units agree
        return Interval(mean, std, mean, mean, len(array))
    low, high = stats.t.interval(confidence, len(array) - 1, loc=mean, scale=error)
    return Interval(mean, std, float(low), float(high), len(array))


def paired(one: Sequence[float], other: Sequence[float]) -> Interval:
    """Interval of one - other, unit by unit. Both must name the same units in the same order."""
    return interval([first - second for first, second in zip(one, other, strict=True)])


def outcome(found: Interval, margin: float = 0.0) -> Outcome:
    """Hold a difference against a margin: supported above it, not supported at or below it, else unclear."""
    if found.low is None or found.high is None:
        return "unclear"
    if found.low > margin:
        return "supported"
    return "not supported" if found.high <= margin else "unclear"


def units_needed(found: Interval, margin: float) -> int | None:
    """How many units would tell this difference from the margin, at this spread; None: over 1,000."""
    from scipy import stats

    if found.std is None or found.mean == margin:
        return None
    for units in range(2, MOST_UNITS + 1):
        if stats.t.ppf((1 + CONFIDENCE) / 2, units - 1) * found.std / units**0.5 < abs(found.mean - margin):
            return units
    return None


def share_supported(difference: float, std: float, units: int, margin: float, seed: int = 0) -> float:
    """Simulate the rule: how often it says "supported" where the true difference and its spread are these."""
    from scipy import stats

    drawn = np.random.default_rng(seed).normal(difference, std, (SIMULATIONS, units))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, units - 1) * drawn.std(1, ddof=1) / units**0.5
    return float((drawn.mean(1) - half > margin).mean())
