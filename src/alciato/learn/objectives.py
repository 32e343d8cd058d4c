"""Objectives: the loss that training minimises, and the metrics on held-out examples.

An objective says how its loss depends on the batch. `Objective`: the loss is a mean over terms that belong to single
examples (`weight` counts the terms of a batch), so that gradient accumulation and several processes are exact.
`CoupledObjective`: the loss depends on the whole batch, as with in-batch negatives; the trainer gathers embeddings over
processes and computes gradients by GradCache (`alciato.learn.contrastive`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from alciato.learn.batches import Batch
from alciato.nets.modular import ModularOutput, final_logits, modular_loss
from alciato.registry import Registry

Embedded = dict[str, Tensor]
"""Embeddings (and what the loss needs beside them) by name; the first dimension is the examples."""


class Objective(ABC):
    """Loss that is a mean over terms of single examples: gradient accumulation is exact."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean loss over the terms of a batch, shape (). Calls `model(…)` once, as distributed training requires."""

    @abstractmethod
    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Metrics of held-out examples; `loss` and names that end in `loss` or `error` are better when lower."""

    @abstractmethod
    def weight(self, batch: Batch) -> float:
        """Number (or total weight) of the terms that `loss` averages over; known without the model."""


class CoupledObjective(ABC):
    """Loss that depends on all examples of an optimiser step together, such as in-batch negatives."""

    @abstractmethod
    def embed(self, model: nn.Module, batch: Batch) -> Embedded:
        """Embeddings of a batch, each example on its own. Calls `model(…)` once."""

    @abstractmethod
    def loss(self, embedded: Embedded) -> Tensor:
        """Loss of all examples of a step, shape (); needs no model."""

    @abstractmethod
    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Metrics of held-out examples, as in `Objective`."""


OBJECTIVES: Registry[Any] = Registry(
    "objective",
    {
        "classification": "alciato.learn.objectives:Classification",
        "modular": "alciato.learn.objectives:ModularObjective",
        "in-batch-negatives": "alciato.learn.contrastive:InBatchNegatives",
    },
    group="alciato.objectives",
)
"""Objectives by name; others register by entry point."""


@dataclass(frozen=True)
class Classification(Objective):
    """Cross-entropy over classes. The model maps a batch to logits, shape (batch, classes).

    Metrics: `loss`, `accuracy`, `balanced_accuracy` (macro recall), `f1` (macro), and `auroc` if every class is among
    the examples.

    Args:
        classes: their names, in the order of the logits.
        target: key of the batch with class numbers, shape (batch,), int64.
        weights: class weights of the loss, for imbalanced data; None: equal weights.
        smoothing: label smoothing.
    """

    classes: Sequence[str]
    target: str = "labels"
    weights: tuple[float, ...] | None = None
    smoothing: float = 0.0

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Weighted mean of the cross-entropy, shape ()."""
        return self._loss(model(batch), batch[self.target])

    def weight(self, batch: Batch) -> float:
        """Sum of the class weights of the targets; without weights, the number of examples."""
        target = batch[self.target]
        return len(target) if self.weights is None else sum(self.weights[label] for label in target.tolist())

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Metrics over all batches together."""
        pairs = [(model(batch).float(), batch[self.target]) for batch in batches]
        logits, target = (torch.cat(column) for column in zip(*pairs, strict=True))
        return {"loss": float(self._loss(logits, target))} | classification_metrics(logits, target)

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        weights = torch.tensor(self.weights, device=logits.device) if self.weights else None
        return functional.cross_entropy(logits, target, weights, label_smoothing=self.smoothing)


def classification_metrics(logits: Tensor, target: Tensor) -> dict[str, float]:
    """Accuracy, balanced accuracy, F1 and, if every class is present, AUROC; logits (n, classes), target (n,)."""
    from torchmetrics.functional import classification

    classes = logits.shape[1]
    settings = {"num_classes": classes, "average": "macro"}
    metrics = {
        "accuracy": classification.multiclass_accuracy(logits, target, num_classes=classes, average="micro"),
        "balanced_accuracy": classification.multiclass_recall(logits, target, **settings),
        "f1": classification.multiclass_f1_score(logits, target, **settings),
    }
    if len(target.unique()) == classes:
        metrics["auroc"] = classification.multiclass_auroc(logits.softmax(-1), target, **settings)
    return {name: float(value) for name, value in metrics.items()}


@dataclass(frozen=True)
class ModularObjective(Objective):
    """MultiModN: cross-entropy after every step taken, for all tasks; metrics of each task after its last step.

    A batch has `inputs` (module → (batch, width)), `present` (module → (batch,) bool) and `targets` (task → (batch,)
    int64, below 0: no label). The mechanism is `alciato.nets.modular`. With its released rule `whole_batch` the loss
    depends on the whole batch, and gradient accumulation is not exact.

    Args:
        tasks: names of the tasks; metrics of the first one have no prefix.
        change_weight: weight of the penalty on changes of the state.
        shuffle: run the modules in random order during training, so that no order is learned.
    """

    tasks: Sequence[str]
    change_weight: float = 0.0
    shuffle: bool = True

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean loss over the steps taken and the tasks, shape ()."""
        order = None
        if self.shuffle:
            names = list(batch["inputs"])
            order = [names[place] for place in torch.randperm(len(names)).tolist()]
        return modular_loss(_run(model, batch, order), batch["targets"], self.change_weight)

    def weight(self, batch: Batch) -> float:
        """Number of labelled steps taken: one for each task before any module, one for each module present."""
        steps = 1 + sum(present.long() for present in batch["present"].values())
        return float(sum((steps * (batch["targets"][task] >= 0)).sum() for task in self.tasks))

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """`loss`, and for each task accuracy, balanced accuracy, F1 and, if every class is present, AUROC."""
        losses: list[tuple[float, float]] = []
        logits: dict[str, list[Tensor]] = {task: [] for task in self.tasks}
        targets: dict[str, list[Tensor]] = {task: [] for task in self.tasks}
        for batch in batches:
            output = _run(model, batch)
            losses.append((float(modular_loss(output, batch["targets"], self.change_weight)), self.weight(batch)))
            for task in self.tasks:
                labelled = batch["targets"][task] >= 0
                logits[task].append(final_logits(output.logits[task])[labelled].float())
                targets[task].append(batch["targets"][task][labelled])
        metrics = {"loss": sum(loss * weight for loss, weight in losses) / max(1.0, sum(w for _, w in losses))}
        for number, task in enumerate(self.tasks):
            found = classification_metrics(torch.cat(logits[task]), torch.cat(targets[task]))
            metrics |= {name if number == 0 else f"{task}_{name}": value for name, value in found.items()}
        return metrics


def _run(model: nn.Module, batch: Batch, order: Sequence[str] | None = None) -> ModularOutput:
    output: ModularOutput = model(batch["inputs"], batch["present"], order)
    return output
