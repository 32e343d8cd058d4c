"""Each data set is judged by itself: premise first, then the one primary comparison."""

from __future__ import annotations

import pytest

from alciato.experiments import Comparison, Premise, judge, run_experiment
from fake_experiment import FIGURES, declared, figures


def judged(one):
    return judge(one, run_experiment(one, processes=0))


def test_figures_become_a_verdict():
    (found,) = judged(declared())
    assert found.primary.found.mean == pytest.approx(0.11)
    assert found.verdict == "supported"
    assert found.premise is None
    assert found.needed is None


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.0, "supported"), (-0.2, "not supported"), (-0.095, "unclear"), (-0.10, "not supported")]
)
def test_every_verdict_is_possible(shift, verdict):
    one = declared(lambda seed, variant, dataset: figures(seed, variant, dataset, shift=shift), small={})
    if shift == -0.10:  # difference 0.01, interval -0.01 to 0.03: on both sides of the margin 0.02
        verdict = "unclear"
    (found,) = judged(one)
    assert found.verdict == verdict
    assert (found.needed is not None) == (verdict == "unclear")


def test_an_unclear_verdict_says_how_many_units_would_tell():
    one = declared(lambda seed, variant, dataset: figures(seed, variant, dataset, shift=-0.10), small={})
    (found,) = judged(one)
    assert found.needed == 13  # difference 0.01 below the margin, std 0.0158: 2.179 * 0.0158 / sqrt(13) = 0.0096


def test_where_the_premise_fails_nothing_is_said_of_the_claim():
    """On `easy` old loses 0.302 to 0.498, on `hard` 0.402 to 0.598: only there is the premise met."""
    premise = Premise("old", "loss", 0.40, "old must fail")
    easy, hard = judged(declared(datasets=("easy", "hard"), premise=premise))
    assert (easy.verdict, hard.verdict) == ("premise not met", "supported")
    strict, loose = (judged(declared(premise=Premise("old", "loss", at_least)))[0] for at_least in (0.31, 0.25))
    assert not strict.premise.met  # the interval is 0.302 to 0.498
    assert strict.verdict == "premise not met"
    assert strict.primary.outcome == "supported"  # still told, but it decides nothing
    assert loose.premise.met
    assert loose.verdict == "supported"


def test_secondary_comparisons_decide_nothing():
    failing = Comparison("old", "new", "accuracy")
    (found,) = judged(declared(secondary=(failing,)))
    assert found.secondary[0].outcome == "not supported"
    assert found.verdict == "supported"


def test_lower_can_be_better():
    (found,) = judged(declared(primary=Comparison("new", "old", "loss", 0.02, lower=True)))
    assert found.primary.found.mean == pytest.approx(0.11)
    assert found.verdict == "supported"


def test_not_worse_is_a_negative_margin():
    behind = declared(
        lambda seed, variant, dataset: {"accuracy": FIGURES["old"][seed] - (0.01 if variant == "new" else 0.0)},
        primary=Comparison("new", "old", "accuracy", -0.02),
        small={},
    )
    assert judged(behind)[0].verdict == "supported"


def test_one_seed_concludes_nothing():
    one = declared()
    (found,) = judge(one, run_experiment(one, seeds=1, processes=0))
    assert found.verdict == "unclear"
