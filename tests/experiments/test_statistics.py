"""Intervals, outcomes and power against numbers that were worked out by hand, and laws of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.experiments.statistics import interval, outcome, paired, share_supported, units_needed

FIGURE = st.floats(-10, 10).map(lambda value: round(value, 3))
NEW, OLD = [0.60, 0.72, 0.81, 0.64, 0.78], [0.50, 0.60, 0.70, 0.55, 0.65]


def test_worked_case_of_five_units():
    """Differences 0.10, 0.12, 0.11, 0.09, 0.13: mean 0.11, std sqrt(0.001 / 4), t(0.975, 4) = 2.7764."""
    found = paired(NEW, OLD)
    assert found.mean == pytest.approx(0.11)
    assert found.std == pytest.approx(0.0158114, abs=1e-6)
    assert found.high - found.mean == pytest.approx(2.776445 * 0.0158114 / 5**0.5, abs=1e-6)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)
    assert found.units == 5


def test_the_interval_covers_the_truth_as_often_as_it_says():
    drawn = np.random.default_rng(3).normal(0.3, 1.0, (2000, 5))
    found = [interval(list(row)) for row in drawn]
    assert np.mean([one.low <= 0.3 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)


@given(st.lists(st.tuples(FIGURE, FIGURE), min_size=2, max_size=8))
@settings(max_examples=60, deadline=None)
def test_laws_of_the_interval(pairs):
    one, other = map(list, zip(*pairs, strict=True))
    found, turned = paired(one, other), paired(other, one)
    assert found.low <= found.mean <= found.high
    assert turned.low == pytest.approx(-found.high, abs=1e-9)  # who is compared with whom does not matter
    moved = paired([value + 1 for value in one], other)
    assert moved.low == pytest.approx(found.low + 1, abs=1e-9)
    doubled = paired([*one, *one], [*other, *other])
    assert doubled.high - doubled.low <= found.high - found.low + 1e-9  # more units, a narrower interval


def test_units_that_agree_leave_no_width():
    found = interval([0.7] * 5)
    assert (found.low, found.high) == (pytest.approx(0.7), pytest.approx(0.7))
    assert outcome(found, 0.6) == "supported"
    assert outcome(found, 0.7) == "not supported"  # exactly the margin is not more than it


def test_one_unit_shows_no_spread():
    found = paired([0.9], [0.1])
    assert (found.mean, found.std, found.low, found.high) == (pytest.approx(0.8), None, None, None)
    assert outcome(found) == "unclear"
    assert units_needed(found, 0.0) is None


def test_pairs_must_be_of_the_same_units():
    with pytest.raises(ValueError, match="shorter"):
        paired([1.0, 2.0], [1.0])


def test_the_outcome_follows_the_interval():
    ahead, mixed = paired(NEW, OLD), paired([2, 1, 4], [1, 2, 3])
    assert outcome(ahead, 0.02) == "supported"
    assert outcome(ahead, 0.10) == "unclear"  # the interval is 0.090 to 0.130
    assert outcome(ahead, 0.14) == "not supported"
    assert outcome(mixed) == "unclear"
    assert outcome(paired(OLD, NEW), -0.02) == "not supported"
    assert outcome(paired(OLD, OLD), -0.01) == "supported"  # not worse by more than 0.01


def test_how_many_units_would_tell():
    """Mean 1, std 2, margin 0: 2.0860 * 2 / sqrt(n) < 1 needs about 18; n = 17: 2.1199 * 2 / 4.1231 = 1.028."""
    found = interval([-1.0, 1.0, 3.0])
    assert (found.mean, found.std) == (1.0, 2.0)
    assert units_needed(found, 0.0) == 18
    assert units_needed(found, 1.0) is None  # nothing to tell
    assert units_needed(interval([0.001, -1.0, 1.0]), 0.0) is None  # over 1,000


def test_power_grows_with_the_effect_and_the_units_and_is_small_at_the_margin():
    shares = [share_supported(effect, 0.05, 5, 0.02) for effect in (0.0, 0.02, 0.06, 0.12)]
    assert shares == sorted(shares)
    assert shares[1] == pytest.approx(0.025, abs=0.005)  # at the margin: half of 5 %
    assert share_supported(0.06, 0.05, 20, 0.02) > shares[2]
    assert share_supported(0.5, 0.01, 5, 0.02) == 1.0


def test_power_is_the_same_at_every_call():
    assert share_supported(0.05, 0.05, 5, 0.02) == share_supported(0.05, 0.05, 5, 0.02)
