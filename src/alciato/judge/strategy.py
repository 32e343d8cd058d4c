"""Strategies by name: ways to hold an item against a policy. A new one is a file and a line in `STRATEGIES`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, cast

from alciato.errors import unknown_name
from alciato.item import Span
from alciato.judge.content import Content
from alciato.judge.policy import Policy
from alciato.models import Runtime

STRATEGIES: dict[str, str] = {
    "modular": "alciato.judge.strategies.modular:load_modular",
    "prototype": "alciato.judge.strategies.prototype:load_prototype",
    "prompt": "alciato.judge.strategies.prompt:load_prompt",
}
"""Name to `module:function`, imported when it is first used."""


@dataclass(frozen=True)
class Match:
    """What speaks for one category: a score 0..1, why, and the places."""

    category: str
    score: float
    why: str = ""
    evidence: tuple[Span, ...] = ()
    target: str | None = None


@dataclass(frozen=True)
class Judgement:
    """What a strategy says of one item. `scores` has one entry a category; `matches` are those worth telling."""

    scores: Mapping[str, float]
    matches: tuple[Match, ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Unjudged:
    """An item that could not be judged, and why."""

    reason: str


class Strategy(Protocol):
    """What a strategy must do. `model` names the model and a digest of all that the scores depend on."""

    name: str
    model: str

    def judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        """Judge some items; one that fails is `Unjudged` and does not stop the others."""
        ...


def load_strategy(name: str, policy: Policy, runtime: Runtime) -> Strategy:
    """Make a strategy for a policy. Raises `UsageError` for an unknown name, nearest first."""
    if name not in STRATEGIES:
        raise unknown_name("strategy", name, list(STRATEGIES))
    module, function = STRATEGIES[name].split(":")
    return cast("Strategy", getattr(import_module(module), function)(policy, runtime))
