"""Train a part of Alciato: one trainer, data as batches, ready objectives, adapters, folders of what was trained.

from alciato.learn import Classification, Trainer, TrainingConfig
fitted = Trainer(TrainingConfig(epochs=5), folder).fit(model, train, collate, Classification(classes), validation)

Everything here needs `pip install 'alciato[train]'` and is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alciato.errors import MissingPackage

if TYPE_CHECKING:
    from alciato.learn.config import Stop, TrainingConfig
    from alciato.learn.objectives import Classification
    from alciato.learn.randomness import seed_everything
    from alciato.learn.trainer import Batch, Collate, Fitted, Objective, Trainer, held_out, measure

_HOMES = {
    "Batch": "trainer",
    "Classification": "objectives",
    "Collate": "trainer",
    "Fitted": "trainer",
    "Objective": "trainer",
    "Stop": "config",
    "Trainer": "trainer",
    "TrainingConfig": "config",
    "held_out": "trainer",
    "measure": "trainer",
    "seed_everything": "randomness",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "alciato":
            raise
        raise MissingPackage(
            f"the package {error.name} is not installed.", remedy="Install it: pip install 'alciato[train]'"
        ) from error


__all__ = [
    "Batch",
    "Classification",
    "Collate",
    "Fitted",
    "Objective",
    "Stop",
    "Trainer",
    "TrainingConfig",
    "held_out",
    "measure",
    "seed_everything",
]
