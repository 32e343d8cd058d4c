"""Paired differences over seeds: mean, spread, a bootstrap interval, and the verdict by a declared rule.

Source: Hesterberg, What Teachers Should Know About the Bootstrap, arXiv 1411.5279, section 5: the percentile interval
of the mean is too narrow for few observations; its percentiles are widened so that it is as wide as Student's t would
be. With alpha = 0.05 and n differences alpha' / 2 = Phi(-sqrt(n / (n - 1)) * t(1 - alpha / 2, n - 1)); the interval
goes from the alpha' / 2 to the 1 - alpha' / 2 quantile of the means of all resamples. Up to n = 6 all n^n resamples are
enumerated, so that nothing is drawn; beyond, 20,000 are drawn with a fixed seed. For n = 5 it is close to the range of
the differences: "supported" asks that practically every seed agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Outcome = Literal["supported", "not supported", "unclear"]
ENUMERATED, DRAWN = 6, 20_000


class Difference(NamedTuple):
    """Mean of paired differences and its interval; bounds are None where one seed leaves no spread to see."""

    mean: float
    low: float | None
    high: float | None
    differences: tuple[float, ...]


def paired(one: Sequence[float], other: Sequence[float], confidence: float = 0.95) -> Difference:
    """Compare figures of the same seeds: one - other. Both must name the same seeds in the same order."""
    values = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return Difference(mean, None, None, tuple(values.tolist()))
    tail = _tail(len(values), confidence)
    means = resampled_means(values)
    low, high = np.quantile(means, [tail, 1 - tail])
    return Difference(mean, float(low), float(high), tuple(values.tolist()))


def resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of resamples with replacement: all of them for few values, else many with a fixed seed."""
    count = len(values)
    if count <= ENUMERATED:
        rows = np.array(list(product(range(count), repeat=count)))
    else:
        rows = np.random.default_rng(0).integers(0, count, (DRAWN, count))
    means: NDArray[np.float64] = values[rows].mean(1)
    return means


def outcome(difference: Difference, by: float = 0.0) -> Outcome:
    """Hold a difference against a margin: supported above it, not supported at or below it, else unclear."""
    if difference.low is None or difference.high is None:
        return "unclear"
    if difference.low > by:
        return "supported"
    return "not supported" if difference.high <= by else "unclear"


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """All must be supported; one that is not decides."""
    if "not supported" in outcomes:
        return "not supported"
    return "supported" if all(one == "supported" for one in outcomes) else "unclear"


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation over seeds, of a sample; None for one seed."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _tail(count: int, confidence: float) -> float:
    """Probability under each widened percentile."""
    from scipy.stats import t

    quantile = float(t.ppf(1 - (1 - confidence) / 2, count - 1))
    return NormalDist().cdf(-((count / (count - 1)) ** 0.5) * quantile)
