"""What an experiment declares before it is run: premise, one primary comparison, power, baselines, what varies.

    EXPERIMENT = Experiment(
        name="memetector", paper="2205.13268", claim="…", data="…", code="alciato.nets.memetector",
        datasets=("macros",), variants=("plain", "parts", "majority"), baseline="plain", trivial=("majority",),
        metric="worst", varies="…", run=memetector, small={"posts": 40},
        premise=Premise("plain", "loss on visual parts", at_least=0.05, reason="…"),
        primary=Comparison("parts", "plain", "worst", margin=0.02, reason="…"),
        pilot=Pilot("seeds 100 to 102", (100, 101, 102), effect={"macros": 0.2}, std={"macros": 0.04}),
    )

`run(seed, variant, dataset, **parameters)` gives the metrics of one variant; the same seed and data set must mean the
same data for all variants. The rules that a declaration keeps are those of the project's page on evidence.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alciato.errors import UsageError, unknown_name
from alciato.registry import Registry

Run = Callable[..., Mapping[str, float]]
"""`(seed, variant, dataset, **parameters) -> metrics by name`."""
ARGUMENTS = ("seed", "variant", "dataset")


@dataclass(frozen=True)
class Comparison:
    """`variant` is better than `than` in `metric` by more than `margin`; `reason` says why by so much.

    A negative margin says "is not worse by more than that". `lower` is for metrics that are better when lower.
    """

    variant: str
    than: str
    metric: str
    margin: float = 0.0
    reason: str = ""
    lower: bool = False

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        if self.margin < 0:
            return f"{self.metric}: {self.variant} is not worse than {self.than} by more than {-self.margin:g}"
        by = f" by more than {self.margin:g}" if self.margin else ""
        return f"{self.metric}: {self.variant} is better than {self.than}{by}"


@dataclass(frozen=True)
class Premise:
    """What must be so for the claim to say anything on a data set: `metric` of `variant` is above `at_least`."""

    variant: str
    metric: str
    at_least: float
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The premise in words."""
        return f"{self.metric} of {self.variant} is above {self.at_least:g}"


@dataclass(frozen=True)
class Pilot:
    """A small run before the experiment, kept apart from it: what the primary comparison's power is estimated from.

    Args:
        name: which run it was.
        seeds: its seeds; none of them is a seed of the experiment.
        effect: difference that the paper's claim, held against this data, would mean; by data set.
        std: standard deviation of the paired difference over the pilot's seeds; by data set.
    """

    name: str
    seeds: tuple[int, ...]
    effect: Mapping[str, float]
    std: Mapping[str, float]


@dataclass(frozen=True)
class Experiment:
    """A claim and how it is tested.

    Args:
        name: slug of the system, the same everywhere.
        paper: arXiv id, or an address.
        claim: one sentence, the paper's.
        data: what it is shown on.
        code: module of the mechanism, such as `alciato.nets.memetector`.
        datasets: data sets; each is judged by itself.
        variants: all that are run, the baselines among them.
        baseline: what the others are compared with in the table.
        trivial: variants that know nothing of the mechanism (file size, one modality alone …): where one of them
            comes close, the task is too easy or the data leak.
        metric: the metric of the table.
        premise: what must hold on a data set for the claim to be tested there.
        primary: the one comparison that decides.
        secondary: comparisons that are reported and decide nothing.
        varies: what the seeds vary, and how many independent units there are.
        pilot: what the power is estimated from.
        small: parameters of the smallest run that still runs everything.
        seeds: how many a full run takes, from 0.
        memory: MiB that one run takes at most; decides how many run at once.
    """

    name: str
    paper: str
    claim: str
    data: str
    code: str
    datasets: tuple[str, ...]
    variants: tuple[str, ...]
    baseline: str
    metric: str
    primary: Comparison
    varies: str
    run: Run
    trivial: tuple[str, ...] = ()
    premise: Premise | None = None
    secondary: tuple[Comparison, ...] = ()
    pilot: Pilot | None = None
    small: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 5
    memory: int = 1500

    def __post_init__(self) -> None:
        compared = [side for one in (self.primary, *self.secondary) for side in (one.variant, one.than)]
        named = [self.baseline, *self.trivial, *compared, *([self.premise.variant] if self.premise else [])]
        for name in named:
            if name not in self.variants:
                raise unknown_name(f"variant of {self.name}", name, list(self.variants))
        if len(set(self.variants)) != len(self.variants):
            raise UsageError(f"a variant of {self.name} is named twice.")
        if not self.datasets:
            raise UsageError(f"{self.name} has no data set.", remedy="Name at least one in `datasets`.")
        self._check_pilot()
        self._check_parameters()

    def _check_pilot(self) -> None:
        if self.pilot is None:
            return
        used = [seed for seed in self.pilot.seeds if seed < self.seeds]
        if used:
            raise UsageError(f"seed {used[0]} of {self.name} is a seed of its pilot too.", remedy="Take others.")
        for dataset in (*self.pilot.effect, *self.pilot.std):
            if dataset not in self.datasets:
                raise unknown_name(f"data set of {self.name}", dataset, list(self.datasets))

    def _check_parameters(self) -> None:
        if not set(ARGUMENTS) <= inspect.signature(self.run).parameters.keys():
            raise UsageError(f"the function of {self.name} takes no {', '.join(f'`{name}`' for name in ARGUMENTS)}.")
        for name, default in self.parameters.items():
            if default is inspect.Parameter.empty:
                raise UsageError(f"parameter {name!r} of {self.name} has no default.")
        for name in self.small:
            if name not in self.parameters:
                raise unknown_name(f"parameter of {self.name}", name, list(self.parameters))

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of a full run: the defaults of the function."""
        signature = inspect.signature(self.run).parameters.values()
        return {one.name: one.default for one in signature if one.name not in ARGUMENTS}

    @property
    def runs(self) -> list[tuple[str, str, int]]:
        """Every (data set, variant, seed) of a full run."""
        return self.runs_of(self.seeds)

    def runs_of(self, seeds: int) -> list[tuple[str, str, int]]:
        """Every (data set, variant, seed) of so many seeds, seed by seed."""
        return [(data, variant, seed) for seed in range(seeds) for data in self.datasets for variant in self.variants]

    @property
    def rule(self) -> str:
        """Hash of what decides the verdict: comparisons, margins, premise, variants, seeds. Wording is left out."""
        compared = [(c.variant, c.than, c.metric, c.margin, c.lower) for c in (self.primary, *self.secondary)]
        premise = self.premise and (self.premise.variant, self.premise.metric, self.premise.at_least)
        shape = (self.name, self.datasets, self.variants, self.baseline, self.metric, self.seeds)
        told = json.dumps([shape, compared, premise])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


EXPERIMENTS: Registry[Experiment] = Registry(
    "experiment",
    {
        "memetector": "alciato.experiments.systems.memetector:EXPERIMENT",
        "multimodn": "alciato.experiments.systems.multimodn:EXPERIMENT",
    },
    group="alciato.experiments",
)
"""Experiments by the slug of their system; an installed package adds its own by entry points."""


def experiments() -> list[Experiment]:
    """All experiments, by name."""
    return [EXPERIMENTS.get(name) for name in sorted(EXPERIMENTS)]


def find_experiment(name: str) -> Experiment:
    """Give the experiment of that name. Raises `UsageError` naming the nearest."""
    return EXPERIMENTS.get(name)
