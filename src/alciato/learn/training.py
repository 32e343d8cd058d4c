"""Trainable strategies by name, and how one is trained: data, split, fit, test, one folder.

A strategy is a function `(TrainingRequest) -> TrainingPlan`: it chooses model, batches and objective; the rest is here.
A new one is one function and one entry of `TRAINABLE`, or an entry point of `alciato.trainable_judges` or
`alciato.trainable_readers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import ValidationError

from alciato.errors import UsageError
from alciato.learn.config import TrainingConfig
from alciato.models import Runtime, default_runtime
from alciato.progress import ProgressCallback, silent
from alciato.registry import Registry
from alciato.settings import Settings

if TYPE_CHECKING:
    import torch

    from alciato.learn.batches import Batch
    from alciato.learn.examples import Examples
    from alciato.learn.objectives import CoupledObjective, Objective
    from alciato.learn.splits import Splits
    from alciato.learn.trainer import Fitted

Verb = Literal["judge", "reader"]
Strategy = Callable[["TrainingRequest"], "TrainingPlan"]

TRAINABLE: dict[Verb, Registry[Strategy]] = {
    "judge": Registry(
        "trainable judge", {"modular": "alciato.learn.modular:modular"}, group="alciato.trainable_judges"
    ),
    "reader": Registry(
        "trainable reader", {"memetector": "alciato.learn.memetector:memetector"}, group="alciato.trainable_readers"
    ),
}
"""Registry of the strategies of each verb."""

MEASURABLE = 5
"""Examples of each class from which on metrics of a split are given."""


@dataclass(frozen=True)
class TrainingRequest:
    """Input of a strategy: the examples in their splits, and changes to its defaults."""

    splits: Splits
    training: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    runtime: Runtime = field(default_factory=default_runtime)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return self.splits.train.classes

    def config(self, **defaults: Any) -> TrainingConfig:
        """Build the training configuration: the strategy's defaults, overridden by the request."""
        try:
            return TrainingConfig(**{**_hardware(self.runtime.settings), **defaults, **self.training})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(place) for place in first["loc"])
            raise UsageError(f"training {name!r}: {first['msg']}.") from error


def _hardware(settings: Settings) -> dict[str, str]:
    """Device and precision of the settings. Which of several GPUs is used, accelerate decides."""
    precision = settings.dtype if settings.dtype in ("bfloat16", "float16") else "float32"
    return {"device": settings.device.partition(":")[0], "precision": precision}


class Collator(Protocol):
    """Makes batches, and decodes them for people."""

    def __call__(self, examples: list[Any], generator: torch.Generator) -> Mapping[str, Any]:
        """Make a batch of some examples."""
        ...

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Describe each example of a batch."""
        ...


@dataclass
class TrainingPlan:
    """Everything that training needs.

    Args:
        kind: kind of the trained model; a key of `alciato.models.trained.KINDS`.
        model: built under the training seed.
        settings: JSON from which the class behind `kind` builds the same model.
        collate: makes batches.
        objective: loss and metrics.
        training: hyperparameters.
        splits: examples; the strategy may have changed them.
        fitted_settings: settings that are known after training only, such as a threshold on the validation examples.
        card: sentences of the model card that the strategy adds: mechanism, source, limits.
        warnings: what a person should know about the data before trusting the model.
        strategy: name of the strategy, set by `prepare`.
    """

    kind: str
    model: torch.nn.Module
    settings: dict[str, Any]
    collate: Collator
    objective: Objective | CoupledObjective
    training: TrainingConfig
    splits: Splits
    fitted_settings: Callable[[Fitted], dict[str, Any]] | None = None
    card: str = ""
    warnings: tuple[str, ...] = ()
    strategy: str = ""

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Number of examples by split and class."""
        return {name: part.counts() for name, part in self.splits._asdict().items()}


@dataclass(frozen=True)
class TrainingResult:
    """The folder of the trained model, its metrics on the test examples, and what was left out of the data.

    `metrics` is empty where the test examples are too few to measure on; a warning says so.
    """

    folder: Path
    metrics: dict[str, float]
    counts: dict[str, dict[str, int]]
    skipped: dict[str, int]
    steps: int
    warnings: tuple[str, ...] = ()


def prepare(
    verb: Verb,
    strategy: str,
    examples: Examples,
    *,
    training: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    runtime: Runtime | None = None,
) -> TrainingPlan:
    """Split the examples and let the strategy plan the training; nothing is trained yet.

    Raises:
        UsageError: an unknown strategy, hyperparameter or option.
        AlciatoError: the data cannot be trained on.
    """
    from alciato.learn.randomness import seed_everything
    from alciato.learn.splits import split

    function = TRAINABLE[verb].get(strategy)
    seed = int((training or {}).get("seed", 0))
    request = TrainingRequest(split(examples, seed), training or {}, options or {}, runtime or default_runtime())
    seed_everything(seed)  # before the strategy builds the model, whose weights are random
    return replace(function(request), strategy=strategy)


def train(plan: TrainingPlan, out: Path, report: ProgressCallback = silent) -> TrainingResult:
    """Carry out a plan and save one folder: config.json, model.safetensors, README.md, and `run/` with its metrics.

    Raises:
        AlciatoError: the loss is not finite.
    """
    from alciato.learn.batches import held_out
    from alciato.learn.randomness import seed_everything
    from alciato.learn.trained_folder import save_trained
    from alciato.learn.trainer import Trainer, measure

    seed_everything(plan.training.seed)
    splits, trainer = plan.splits, Trainer(plan.training, out / "run", report)
    fitted = trainer.fit(plan.model, splits.train, plan.collate, plan.objective, splits.validation)
    settings = plan.settings | (plan.fitted_settings(fitted) if plan.fitted_settings else {})
    test = held_out(splits.test, plan.collate, plan.training.batch_size)
    result = TrainingResult(
        folder=out,
        metrics=measure(fitted.model, test, plan.objective) if measurable(plan.counts["test"]) else {},
        counts=plan.counts,
        skipped=dict(splits.train.skipped),
        steps=fitted.steps,
        warnings=warnings_of(plan),
    )
    save_trained(result, plan, fitted.model, settings)
    return result


def measurable(counts: Mapping[str, int]) -> bool:
    """Whether there are enough examples of each class to measure on."""
    return min(counts.values(), default=0) >= MEASURABLE


def warnings_of(plan: TrainingPlan) -> tuple[str, ...]:
    """Warnings of the strategy, and of splits that are too small to select or to measure a model on."""
    small = []
    purposes = {"validation": "the best weights are selected on few examples", "test": "no metric is given"}
    for split, purpose in purposes.items():
        counts = plan.counts[split]
        if not measurable(counts):
            label = min(counts, key=counts.__getitem__)
            few = f"the {split} split has {counts[label]} of class {label!r}, fewer than {MEASURABLE} of each class"
            small.append(f"{few}: {purpose}")
    return (*plan.warnings, *small)


def first_batch(plan: TrainingPlan) -> list[dict[str, Any]]:
    """Decode the first batch for people."""
    from alciato.learn.batches import BatchOrder, held_out

    order = BatchOrder(len(plan.splits.train), plan.training.batch_size, plan.training.seed)
    examples = [plan.splits.train[row] for row in order.rows(0)]
    batch: Batch = next(held_out(examples, plan.collate, len(examples)))
    rows = plan.collate.decode(batch)
    for row, example in zip(rows, examples, strict=True):
        row["label"] = example.label
    return rows
