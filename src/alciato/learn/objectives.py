"""Ready objectives: what a classifier minimises, and its figures by torchmetrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from alciato.learn.batches import Batch


@dataclass(frozen=True)
class Classification:
    """Cross-entropy over classes. The model maps a batch to logits, shape (batch, classes).

    Figures: `loss`, `accuracy`, `balanced_accuracy` (mean recall of the classes), `f1` (mean of the classes), and
    `auroc` where every class is among the examples.

    Args:
        classes: their names, in the order of the logits.
        target: key of the batch with class numbers, shape (batch,), int64.
        weights: of the classes in the loss, for uneven data; None: all alike.
        smoothing: share of the target's mass that is spread over all classes.
    """

    classes: Sequence[str]
    target: str = "labels"
    weights: tuple[float, ...] | None = None
    smoothing: float = 0.0

    def loss(self, model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Mean cross-entropy, shape ()."""
        return self._loss(model(batch), batch[self.target])

    def measure(self, model: torch.nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Figures of all batches together."""
        pairs = [(model(batch).float(), batch[self.target]) for batch in batches]
        logits, target = (torch.cat(column) for column in zip(*pairs, strict=True))
        figures = {"loss": float(self._loss(logits, target))}
        return figures | classification_figures(logits, target)

    def _loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        weights = torch.tensor(self.weights, device=logits.device) if self.weights else None
        return functional.cross_entropy(logits, target, weights, label_smoothing=self.smoothing)


def classification_figures(logits: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
    """Accuracy, balanced accuracy, F1 and, where every class is there, AUROC; logits (n, classes), target (n,)."""
    from torchmetrics.functional import classification

    classes = logits.shape[1]
    settings = {"num_classes": classes, "average": "macro"}
    figures = {
        "accuracy": classification.multiclass_accuracy(logits, target, num_classes=classes, average="micro"),
        "balanced_accuracy": classification.multiclass_recall(logits, target, **settings),
        "f1": classification.multiclass_f1_score(logits, target, **settings),
    }
    if len(target.unique()) == classes:
        figures["auroc"] = classification.multiclass_auroc(logits.softmax(-1), target, **settings)
    return {name: float(value) for name, value in figures.items()}
