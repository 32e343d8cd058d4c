"""Train a part of Alciato: one trainer, data as batches, ready objectives, adapters, folders of what was trained.

from alciato.learn import Classification, Trainer, TrainingConfig
fitted = Trainer(TrainingConfig(epochs=5), folder).fit(model, train, collate, Classification(classes), validation)

Everything here needs `pip install 'alciato[train]'` and is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alciato.errors import naming_what_is_missing

if TYPE_CHECKING:
    from alciato.learn.batches import Batch, Collate, held_out
    from alciato.learn.collators import MixedCollator, PictureCollator, PictureTensors, TextCollator
    from alciato.learn.config import Stop, TrainingConfig
    from alciato.learn.examples import Example, Examples, examples_of, load_examples
    from alciato.learn.lessons import LEARNABLE, Lesson, Request, Taught, first_batch, prepare, teach
    from alciato.learn.objectives import Classification
    from alciato.learn.randomness import seed_everything
    from alciato.learn.splits import Shares, Splits, split
    from alciato.learn.trainer import Fitted, Objective, Trainer, measure

_HOMES = {
    "Batch": "batches",
    "Classification": "objectives",
    "Collate": "batches",
    "Example": "examples",
    "Examples": "examples",
    "Fitted": "trainer",
    "LEARNABLE": "lessons",
    "Lesson": "lessons",
    "MixedCollator": "collators",
    "Objective": "trainer",
    "PictureCollator": "collators",
    "PictureTensors": "collators",
    "Request": "lessons",
    "Shares": "splits",
    "Splits": "splits",
    "Stop": "config",
    "Taught": "lessons",
    "TextCollator": "collators",
    "Trainer": "trainer",
    "TrainingConfig": "config",
    "examples_of": "examples",
    "first_batch": "lessons",
    "held_out": "batches",
    "load_examples": "examples",
    "measure": "trainer",
    "prepare": "lessons",
    "seed_everything": "randomness",
    "split": "splits",
    "teach": "lessons",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    with naming_what_is_missing():
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "LEARNABLE",
    "Batch",
    "Classification",
    "Collate",
    "Example",
    "Examples",
    "Fitted",
    "Lesson",
    "MixedCollator",
    "Objective",
    "PictureCollator",
    "PictureTensors",
    "Request",
    "Shares",
    "Splits",
    "Stop",
    "Taught",
    "TextCollator",
    "Trainer",
    "TrainingConfig",
    "examples_of",
    "first_batch",
    "held_out",
    "load_examples",
    "measure",
    "prepare",
    "seed_everything",
    "split",
    "teach",
]
