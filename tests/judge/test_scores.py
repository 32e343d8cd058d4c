"""Signals, thresholds, targets, agreement with labels: formulas without a model."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alciato.item import Verdict
from alciato.judge.decide import decision_for
from alciato.judge.evaluation import evaluate, wilson
from alciato.judge.policy import Category, TargetGroup, Thresholds
from alciato.judge.signals import signal_score
from alciato.judge.target import find_target

share = st.floats(0, 1)
thresholds = st.tuples(share, share).map(lambda pair: Thresholds(review=min(pair), remove=max(pair)))


@given(share, share, thresholds, thresholds)
def test_a_signal_score_grows_with_confidence_and_stays_within_0_and_1(one, other, signal, category):
    low, high = (signal_score(c, signal, category) for c in sorted((one, other)))
    assert 0 <= low <= high <= 1


@given(share, thresholds, thresholds)
def test_a_signal_crosses_the_thresholds_of_the_category_where_its_own_are_crossed(confidence, signal, category):
    score = signal_score(confidence, signal, category)
    if confidence >= signal.remove:
        assert score >= category.remove - 1e-9
    elif confidence >= signal.review:
        assert score >= category.review - 1e-9
    else:
        assert score <= category.review + 1e-9


@given(share, thresholds, st.sampled_from(["allow", "review", "remove"]))
def test_a_decision_is_never_stronger_than_the_action_of_its_category(score, limits, action):
    category = Category(id="a", title="A", definition="a", thresholds=limits, action=action)
    order = ["allow", "review", "remove"]
    decision = decision_for(category, score)
    assert order.index(decision) <= order.index(action)
    reached = 2 if score >= limits.remove else 1 if score >= limits.review else 0
    assert decision == order[min(reached, order.index(action))]


GROUPS = (
    TargetGroup(name="Martians", words=("Martian", "king", "火星人")),
    TargetGroup(name="Moon folk", words=("মঙ্গলবাসী",)),
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("MARTIANS out", "Martians"),
        ("the moon  folk and the Martians", "Moon folk"),
        ("the kingdom", None),
        ("我讨厌火星人们", "Martians"),
        ("মঙ্গলবাসী!", "Moon folk"),
        ("you there, @eve_7.", "@eve_7"),
        ("mail a@b.org", None),
        ("", None),
    ],
)
def test_targets_are_whole_words_of_a_group_or_an_account(text, target):
    assert find_target(text, GROUPS) == target


def test_wilson_interval_of_a_worked_case():
    assert wilson(8, 10) == pytest.approx((0.4901, 0.9433), abs=1e-3)
    assert wilson(0, 0) is None


def verdict(item: str, **scores: float) -> Verdict:
    return Verdict(
        item=item,
        decision="allow",
        scores=scores,
        policy="p@1",
        model="m",
        strategy="s",
        judged_at=datetime.now(UTC),
    )


def test_evaluate_counts_a_worked_case():
    verdicts = [
        verdict("a", hate=0.9),
        verdict("b", hate=0.9),
        verdict("c", hate=0.1),
        verdict("d"),
        verdict("e", hate=1),
    ]
    found = evaluate(verdicts, {"a": ["hate"], "b": [], "c": ["hate"], "d": ["hate"]}, {"hate": 0.5})["hate"]
    assert (found.hits, found.false_alarms, found.misses) == (1, 1, 1)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert evaluate([], {}, {"hate": 0.5})["hate"].f1 is None
