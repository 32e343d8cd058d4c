"""Intervals and verdicts against numbers that were worked out by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.experiments.statistics import outcome, paired, resampled_means, spread, together

FIGURE = st.floats(-10, 10).map(lambda value: round(value, 3))


def test_all_resamples_of_three_values():
    """Of 1, 2, 6 there are 27 resamples; their means lie between 1 and 6 round 3."""
    means = resampled_means(np.array([1.0, 2.0, 6.0]))
    by_hand = [sum(values) / 3 for values in product((1, 2, 6), repeat=3)]
    assert sorted(means) == pytest.approx(sorted(by_hand))
    assert means.mean() == pytest.approx(3.0)


def test_worked_case_of_five_seeds():
    """t(0.975, 4) = 2.7764, times sqrt(5/4) = 3.1042, Phi(-3.1042) = 0.000954: of 3125 means the one at 2.98."""
    found = paired([0.60, 0.72, 0.81, 0.64, 0.78], [0.50, 0.60, 0.70, 0.55, 0.65])
    assert found.differences == pytest.approx((0.10, 0.12, 0.11, 0.09, 0.13))
    assert found.mean == pytest.approx(0.11)
    means = sorted(sum(values) / 5 for values in product((0.10, 0.12, 0.11, 0.09, 0.13), repeat=5))
    place = 0.000954 * 3124
    low = means[2] + (place - 2) * (means[3] - means[2])
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.low == pytest.approx(0.092, abs=1e-3)
    assert found.high == pytest.approx(0.22 - found.low, abs=1e-9)  # the differences are symmetric


def test_the_interval_of_many_values_is_about_students():
    values = np.random.default_rng(1).normal(0.3, 1.0, 60)
    found = paired(list(values), [0.0] * 60)
    half = 2.001 * values.std(ddof=1) / 60**0.5  # t(0.975, 59)
    assert found.low == pytest.approx(values.mean() - half, abs=0.05)
    assert found.high == pytest.approx(values.mean() + half, abs=0.05)


@given(st.lists(st.tuples(FIGURE, FIGURE), min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_laws_of_the_interval(pairs):
    one, other = map(list, zip(*pairs, strict=True))
    found, turned = paired(one, other), paired(other, one)
    assert found.low <= found.mean + 1e-9
    assert found.mean <= found.high + 1e-9
    assert min(found.differences) - 1e-9 <= found.low
    assert turned.low == pytest.approx(-found.high, abs=1e-9)  # who is compared with whom does not matter
    moved = paired([value + 1 for value in one], other)
    assert moved.low == pytest.approx(found.low + 1, abs=1e-9)


def test_one_seed_shows_no_spread():
    found = paired([0.9], [0.1])
    assert (found.mean, found.low, found.high) == (pytest.approx(0.8), None, None)
    assert outcome(found) == "unclear"
    assert spread([0.9]) is None
    assert spread([1.0, 3.0]) == pytest.approx(2**0.5)


def test_the_rule():
    ahead, level = paired([2, 3, 4], [1, 2, 3]), paired([1, 2, 3], [1, 2, 3])
    mixed = paired([2, 1, 4], [1, 2, 3])
    assert outcome(ahead) == "supported"
    assert outcome(ahead, by=1.0) == "not supported"  # exactly the margin is not more than it
    assert outcome(level) == "not supported"
    assert outcome(level, by=-0.01) == "supported"  # not worse by more than 0.01
    assert outcome(mixed) == "unclear"
    assert together(["supported", "supported"]) == "supported"
    assert together(["supported", "unclear"]) == "unclear"
    assert together(["unclear", "not supported"]) == "not supported"
