"""Strategies: ways to judge an item by a policy. A new one is a class in a file, a line here, and its examples.

A third party adds one by an entry point of the group `alciato.strategies`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel

from alciato.errors import UsageError
from alciato.item import Item, Span
from alciato.item.verdict import Decision, Step
from alciato.judge.policy import Policy, load_policy
from alciato.models import ModelInfo, Runtime
from alciato.read.content import Content
from alciato.registry import NoOptions, Registry, parse_options
from alciato.settings import Settings


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
    """What a strategy says of one item. `scores` has one entry a category; `matches` are those worth telling.

    `unseen` says in sentences which parts of the item the scores do not cover: such an item is never allowed.
    """

    scores: Mapping[str, float]
    matches: tuple[Match, ...] = ()
    notes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    trace: tuple[Step, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Unjudged:
    """An item that could not be judged, and why."""

    reason: str


def checked(outcome: Judgement | Unjudged, policy: Policy) -> Judgement | Unjudged:
    """Turn a judgement with a score that is missing, not a number, or outside 0..1 into `Unjudged`."""
    if isinstance(outcome, Unjudged):
        return outcome
    for category in policy.categories:
        score = outcome.scores.get(category.id)
        if score is None:
            return Unjudged(f"the model gave no score for {category.title}.")
        if not math.isfinite(score) or not 0 <= score <= 1:
            return Unjudged(f"the score for {category.title} is {score}, not a number from 0 to 1.")
    return outcome


@dataclass(frozen=True)
class Needs:
    """What a strategy judges by.

    `readings` are kinds of reading whose failure leaves a part of an item unseen; `modalities` are the types of part
    that it takes into account: a post with a part of another type is never allowed. `model` is the setting, under
    `models`, that names its model.
    """

    readings: frozenset[str] = frozenset({"ocr", "speech"})
    modalities: frozenset[str] = frozenset({"text", "image", "audio", "video", "table"})
    model: str = "encoder"


@dataclass(frozen=True)
class StrategyExample:
    """An item with the decision that the strategy must reach under a policy, with the model of the test."""

    item: Item
    policy: Policy
    decision: Decision
    model: Any = None
    """What the runtime of the test gives for the strategy's model, or a function without arguments that makes it."""


class LoadedAs(NamedTuple):
    """What a worker process makes a strategy again of."""

    name: str
    options: Mapping[str, Any]
    settings: Settings


class Strategy(ABC):
    """A way to judge items by a policy. `model` names the model and a digest of all that the scores depend on."""

    name: ClassVar[str]
    Options: ClassVar[type[BaseModel]] = NoOptions
    needs: ClassVar[Needs] = Needs()
    model: str
    loaded_as: LoadedAs | None = None
    """What `load_strategy` was given; None where it was made otherwise."""

    @classmethod
    @abstractmethod
    def load(cls, policy: Policy, runtime: Runtime, options: Any) -> Self:
        """Make the strategy for a policy, with the models that the settings name.

        Raises:
            UsageError: a policy that it cannot use, or settings that name no model for it.
            ModelError: a model that cannot be loaded.
        """

    @classmethod
    def default_policy(cls, runtime: Runtime) -> Policy:
        """Give the policy that is used where none is named."""
        del runtime
        return load_policy("general")

    @classmethod
    def worker_models(cls, runtime: Runtime) -> Sequence[ModelInfo] | None:
        """Give the models of which each worker process holds a copy; None where all judging stays in one process."""
        del runtime
        return None

    @classmethod
    @abstractmethod
    def examples(cls) -> Sequence[StrategyExample]:
        """Give items with the decision that the strategy must reach; the tests of all strategies run them."""

    @abstractmethod
    def judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        """Judge some items; one that fails is `Unjudged` and does not stop the others."""


STRATEGIES: Registry[type[Strategy]] = Registry(
    "strategy",
    {
        "prototype": "alciato.judge.strategies.prototype:Prototype",
        "prompt": "alciato.judge.strategies.prompt:Prompt",
        "modular": "alciato.judge.strategies.modular:Modular",
    },
    group="alciato.strategies",
)


def load_strategy(name: str, policy: Policy, runtime: Runtime, options: Mapping[str, Any] | None = None) -> Strategy:
    """Make a strategy for a policy.

    Raises:
        UsageError: an unknown name (nearest first), or options that it does not take.
    """
    member = STRATEGIES.get(name)
    if not (isinstance(member, type) and issubclass(member, Strategy)):
        raise UsageError(f"the strategy {name!r} is no subclass of alciato.judge.Strategy.")
    made = member.load(policy, runtime, parse_options(member.Options, options or {}, f"the strategy {name!r}"))
    made.loaded_as = LoadedAs(name, dict(options or {}), runtime.settings)
    return made
