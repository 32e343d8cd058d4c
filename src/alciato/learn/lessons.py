"""Learnable strategies by name, and how one is taught: data, split, fit, test, one folder.

A strategy is a function `(Request) -> Lesson`: it says which model, batches and objective; everything else is here.
A new one is one function and one line in `LEARNABLE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import ValidationError

from alciato.errors import AlciatoError, UsageError, unknown_name
from alciato.learn.config import TrainingConfig
from alciato.progress import ProgressCallback, silent

if TYPE_CHECKING:
    import torch

    from alciato.learn.batches import Batch
    from alciato.learn.examples import Examples
    from alciato.learn.splits import Splits
    from alciato.learn.trainer import Fitted, Objective

Verb = Literal["judge", "reader"]

LEARNABLE: dict[Verb, dict[str, str]] = {
    "judge": {"modular": "alciato.learn.modular:modular"},
    "reader": {"memetector": "alciato.learn.memetector:memetector"},
}
"""Verb → name → `module:function`, imported when it is first used."""


@dataclass(frozen=True)
class Request:
    """What a strategy gets: the examples in their splits, and changes to its defaults."""

    splits: Splits
    training: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by number."""
        return self.splits.train.classes

    def config(self, **defaults: Any) -> TrainingConfig:
        """Build the training configuration: the strategy's defaults, then what was asked for."""
        try:
            return TrainingConfig(**{**defaults, **self.training})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(place) for place in first["loc"])
            raise UsageError(f"training {name!r}: {first['msg']}.") from error


class Collator(Protocol):
    """Makes batches, and says what is in one."""

    def __call__(self, examples: list[Any], generator: torch.Generator) -> Mapping[str, Any]:
        """Build a batch."""
        ...

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Say what each example of a batch is."""
        ...


@dataclass
class Lesson:
    """Everything that teaching needs.

    Args:
        kind: what the folder will say it is; a key of `alciato.models.trained.KINDS`.
        model: built under the training seed.
        settings: JSON from which the class behind `kind` builds the same model.
        collate: makes batches.
        objective: loss and figures.
        training: all numbers.
        splits: examples; the strategy may have changed them.
        conclude: more settings that are only known after training, such as a threshold on the validation examples.
        card: sentences of the model card that only the strategy knows: mechanism, source, limits.
    """

    kind: str
    model: torch.nn.Module
    settings: dict[str, Any]
    collate: Collator
    objective: Objective
    training: TrainingConfig
    splits: Splits
    conclude: Callable[[Fitted], dict[str, Any]] | None = None
    card: str = ""


@dataclass(frozen=True)
class Taught:
    """What came of it: the folder, figures on the test examples, and what was left out of the data."""

    folder: Path
    figures: dict[str, float]
    counts: dict[str, dict[str, int]]
    skipped: dict[str, int]
    steps: int


def teach(
    verb: Verb,
    strategy: str,
    examples: Examples,
    out: Path,
    *,
    training: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    report: ProgressCallback = silent,
) -> Taught:
    """Train a strategy and save one folder: config.json, model.safetensors, README.md, and `run/` with its curve.

    Raises:
        UsageError: no such strategy, or a setting that it does not take.
        AlciatoError: data that it cannot be trained on, or a loss that is not a number.
    """
    from alciato.learn.batches import held_out
    from alciato.learn.randomness import seed_everything
    from alciato.learn.trained_folder import save_trained
    from alciato.learn.trainer import Trainer, measure

    lesson = prepare(verb, strategy, examples, training=training, options=options)
    seed_everything(lesson.training.seed)
    splits, trainer = lesson.splits, Trainer(lesson.training, out / "run", report)
    fitted = trainer.fit(lesson.model, splits.train, lesson.collate, lesson.objective, splits.validation)
    settings = lesson.settings | (lesson.conclude(fitted) if lesson.conclude else {})
    test = held_out(splits.test, lesson.collate, lesson.training.batch)
    taught = Taught(
        folder=out,
        figures=measure(fitted.model, test, lesson.objective),
        counts={name: part.counts() for name, part in splits._asdict().items()},
        skipped=dict(examples.skipped),
        steps=fitted.steps,
    )
    save_trained(taught, strategy, lesson, fitted.model, settings, examples.classes)
    return taught


def prepare(
    verb: Verb,
    strategy: str,
    examples: Examples,
    *,
    training: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Lesson:
    """Split the examples and have the strategy say what is to be trained on them; nothing is trained yet."""
    from alciato.learn.randomness import seed_everything
    from alciato.learn.splits import split

    function = find_strategy(verb, strategy)
    seed = int((training or {}).get("seed", 0))
    request = Request(split(examples, seed), training or {}, options or {})
    seed_everything(seed)  # before the model is built: its weights are drawn
    lesson: Lesson = function(request)
    return lesson


def first_batch(lesson: Lesson) -> list[dict[str, Any]]:
    """Decode the first batch back into what a person can check."""
    from alciato.learn.batches import held_out
    from alciato.learn.order import Order

    order = Order(len(lesson.splits.train), lesson.training.batch, lesson.training.seed)
    examples = [lesson.splits.train[row] for row in order.rows(0)]
    batch: Batch = next(held_out(examples, lesson.collate, len(examples)))
    rows = lesson.collate.decode(batch)
    for row, example in zip(rows, examples, strict=True):
        row["label"] = example.label
    return rows


def find_strategy(verb: Verb, name: str) -> Callable[[Request], Lesson]:
    """Give the function of a strategy. Raises `UsageError` for an unknown name, nearest first."""
    known = LEARNABLE[verb]
    if not known:
        raise AlciatoError(f"there is no learnable {verb} yet.")
    if name not in known:
        raise unknown_name(f"learnable {verb}", name, list(known))
    module, function = known[name].split(":")
    found: Callable[[Request], Lesson] = getattr(import_module(module), function)
    return found
