"""What an experiment declares, and where it is found.

    @experiment(
        name="memetector", paper="2205.13268", claim="…", data="…", code="alciato.nets.memetector",
        variants=("plain", "parts"), baseline="plain", figure="accuracy",
        expects=(Expect("parts", "plain", "accuracy"),),
        supports="…", refutes="…", small={"posts": 40},
    )
    def memetector(seed: int, variant: str, posts: int = 2000) -> dict[str, float]:
        …

The function gives the figures of one variant under one seed; the same seed must mean the same data for all variants.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from alciato.errors import UsageError, unknown_name

Run = Callable[..., Mapping[str, float]]
"""`(seed, variant, **parameters) -> figures by name`."""


@dataclass(frozen=True)
class Expect:
    """One inequality of a claim: `variant` beats `than` by more than `by` in `metric`.

    A negative `by` says "is not worse by more than that". Figures that are better when lower are given with
    `lower=True`. `metric` None is the experiment's figure.
    """

    variant: str
    than: str
    metric: str | None = None
    by: float = 0.0
    lower: bool = False

    def sentence(self, figure: str) -> str:
        """Say it in words."""
        metric = self.metric or figure
        if self.by < 0:
            return f"{metric}: {self.variant} is not worse than {self.than} by more than {-self.by:g}"
        margin = f" by more than {self.by:g}" if self.by else ""
        return f"{metric}: {self.variant} is better than {self.than}{margin}"


@dataclass(frozen=True)
class Experiment:
    """A claim and how it is tested.

    Args:
        name: slug of the system, the same everywhere.
        paper: arXiv id, or an address.
        claim: one sentence, the paper's.
        data: what it is shown on.
        code: module of the mechanism, such as `alciato.nets.memetector`.
        variants: all that are run, the baseline among them.
        baseline: what the others are compared with in the table.
        figure: the metric of the table.
        expects: inequalities that must all hold for the claim to be supported.
        supports: what would support the claim, in words.
        refutes: what would refute it, in words.
        small: parameters of the smallest run that still runs everything.
        seeds: how many a full run takes.
        lower: whether a lower figure is better.
        memory: MiB that one run takes at most; decides how many run at once.
    """

    name: str
    paper: str
    claim: str
    data: str
    code: str
    variants: tuple[str, ...]
    baseline: str
    figure: str
    expects: tuple[Expect, ...]
    supports: str
    refutes: str
    run: Run
    small: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 5
    lower: bool = False
    memory: int = 1500

    def __post_init__(self) -> None:
        for name in (self.baseline, *(side for e in self.expects for side in (e.variant, e.than))):
            if name not in self.variants:
                raise unknown_name(f"variant of {self.name}", name, list(self.variants))
        if len(set(self.variants)) != len(self.variants):
            raise UsageError(f"a variant of {self.name} is named twice.")
        if not self.expects:
            raise UsageError(f"{self.name} expects nothing: no result could support or refute it.")

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of a full run: the defaults of the function."""
        signature = inspect.signature(self.run).parameters.values()
        return {one.name: one.default for one in signature if one.name not in ("seed", "variant")}

    @property
    def source(self) -> Path:
        """The file that declares it."""
        return Path(inspect.getfile(self.run))


_registered: dict[str, Experiment] = {}


def experiment(**declared: Any) -> Callable[[Run], Run]:
    """Declare an experiment; the function below the decorator runs one variant under one seed.

    Raises:
        UsageError: the name is taken, or a parameter has no default, or `small` names one that does not exist.
    """

    def register(run: Run) -> Run:
        found = Experiment(run=run, **declared)
        if found.name in _registered and _registered[found.name].source != found.source:
            raise UsageError(
                f"the experiment {found.name!r} exists already.",
                where=str(found.source),
                remedy=f"It is in {_registered[found.name].source}; take another name.",
            )
        _check_parameters(found)
        _registered[found.name] = found
        return run

    return register


def experiments() -> list[Experiment]:
    """All experiments, by name."""
    systems = import_module("alciato.experiments.systems")
    for module in iter_modules(systems.__path__):
        import_module(f"{systems.__name__}.{module.name}")
    return [_registered[name] for name in sorted(_registered)]


def find_experiment(name: str) -> Experiment:
    """Give the experiment of that name. Raises `UsageError` naming the nearest."""
    known = {found.name: found for found in experiments()}
    if name not in known:
        raise unknown_name("experiment", name, list(known))
    return known[name]


def _check_parameters(found: Experiment) -> None:
    signature = inspect.signature(found.run).parameters
    if not {"seed", "variant"} <= signature.keys():
        raise UsageError(f"{found.name} takes no `seed` and `variant`.", where=str(found.source))
    for name, default in found.parameters.items():
        if default is inspect.Parameter.empty:
            raise UsageError(f"parameter {name!r} of {found.name} has no default.", where=str(found.source))
    for name in found.small:
        if name not in found.parameters:
            raise unknown_name(f"parameter of {found.name}", name, list(found.parameters))
