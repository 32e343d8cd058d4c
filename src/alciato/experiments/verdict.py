"""What follows from the records of an experiment by its declared rule, for each data set by itself.

premise not met: the baseline does not fail there, so the data set says nothing about the claim. supported, not
supported, unclear: the interval of the primary comparison lies above its margin, at or below it, or on both sides.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from alciato.experiments.declaration import Comparison, Experiment, Premise
from alciato.experiments.results import Result
from alciato.experiments.statistics import Interval, Outcome, interval, outcome, paired, share_supported, units_needed

Verdict = Literal["supported", "not supported", "unclear", "premise not met"]


class Held(NamedTuple):
    """A comparison and how it went."""

    comparison: Comparison
    found: Interval
    outcome: Outcome


class Checked(NamedTuple):
    """A premise, the interval of its metric, and whether the interval lies above what it asks for."""

    premise: Premise
    found: Interval
    met: bool


class DatasetVerdict(NamedTuple):
    """What is to be said of one data set. `needed`: units that would tell, where the verdict is unclear."""

    dataset: str
    verdict: Verdict
    premise: Checked | None
    primary: Held
    secondary: tuple[Held, ...]
    needed: int | None


class Power(NamedTuple):
    """Share of "supported" where the claim is true (half the paper's effect), false, and just at the margin."""

    dataset: str
    effect: float
    std: float
    true: float
    false: float
    at_margin: float


def judge(experiment: Experiment, result: Result) -> list[DatasetVerdict]:
    """Judge every data set by the declared rule."""
    return [_judged(experiment, result, dataset) for dataset in experiment.datasets]


def _judged(experiment: Experiment, result: Result, dataset: str) -> DatasetVerdict:
    premise = _checked(experiment.premise, result, dataset) if experiment.premise else None
    primary = _held(experiment.primary, result, dataset)
    verdict: Verdict = primary.outcome if premise is None or premise.met else "premise not met"
    needed = units_needed(primary.found, experiment.primary.margin) if verdict == "unclear" else None
    secondary = tuple(_held(one, result, dataset) for one in experiment.secondary)
    return DatasetVerdict(dataset, verdict, premise, primary, secondary, needed)


def _checked(premise: Premise, result: Result, dataset: str) -> Checked:
    found = interval(result.values(dataset, premise.variant, premise.metric))
    return Checked(premise, found, outcome(found, premise.at_least) == "supported")


def _held(comparison: Comparison, result: Result, dataset: str) -> Held:
    sign = -1 if comparison.lower else 1
    sides = (result.values(dataset, side, comparison.metric) for side in (comparison.variant, comparison.than))
    one, other = ([sign * value for value in values] for values in sides)
    found = paired(one, other)
    return Held(comparison, found, outcome(found, comparison.margin))


def power(experiment: Experiment) -> list[Power]:
    """Simulate the declared rule with the spread of the pilot, for each data set that the pilot has."""
    if experiment.pilot is None:
        return []
    margin, units = experiment.primary.margin, experiment.seeds
    found = []
    for dataset, effect in experiment.pilot.effect.items():
        std = experiment.pilot.std[dataset]
        rates = [share_supported(difference, std, units, margin) for difference in (effect / 2, 0.0, margin)]
        found.append(Power(dataset, effect, std, *rates))
    return found


def power_sentence(experiment: Experiment) -> str:
    """The power in words, as it stands in the declaration."""
    if experiment.pilot is None:
        return "No pilot: the power is not known."
    told = [
        f"{one.dataset}: supported in {one.true:.0%} of simulated runs where the difference is {one.effect / 2:.3f} "
        f"(half of the effect {one.effect:.3f}; standard deviation {one.std:.3f}), in {one.false:.1%} where it is 0, "
        f"in {one.at_margin:.1%} where it is the margin"
        for one in power(experiment)
    ]
    return f"Power, from the pilot {experiment.pilot.name}, n = {experiment.seeds}: {'; '.join(told)}."
