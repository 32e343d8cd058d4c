"""Teaching the modular judge: its objective, shared by the product and the experiment.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). The mechanism is `alciato.judge.modular`.
A batch has `inputs` (module → (batch, width)), `present` (module → (batch,) bool), `targets` (task → (batch,) int64,
below 0: no label).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alciato.judge.modular import Steps, final, modular_loss
from alciato.learn.batches import Batch
from alciato.learn.objectives import classification_figures


@dataclass(frozen=True)
class ModularObjective:
    """Cross-entropy after every step taken; figures of each task after its last step.

    Args:
        tasks: names of the tasks; the first one's figures stand without its name in front.
        change: weight of the penalty on changes of the state.
        shuffle: take the steps in a drawn order while training, so that any order will do later.
    """

    tasks: Sequence[str]
    change: float = 0.0
    shuffle: bool = False

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean loss of the batch, shape ()."""
        order = None
        if self.shuffle:
            names = list(batch["inputs"])
            order = [names[place] for place in torch.randperm(len(names)).tolist()]
        return modular_loss(_steps(model, batch, order), batch["targets"], self.change)

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """`loss`, and for each task accuracy, balanced accuracy, F1 and AUROC where every class is there."""
        losses: list[float] = []
        logits: dict[str, list[Tensor]] = {task: [] for task in self.tasks}
        targets: dict[str, list[Tensor]] = {task: [] for task in self.tasks}
        for batch in batches:
            steps = _steps(model, batch)
            losses.append(float(modular_loss(steps, batch["targets"], self.change)))
            for task in self.tasks:
                labelled = batch["targets"][task] >= 0
                logits[task].append(final(steps.logits[task])[labelled].float())
                targets[task].append(batch["targets"][task][labelled])
        figures = {"loss": sum(losses) / len(losses)}
        for number, task in enumerate(self.tasks):
            found = classification_figures(torch.cat(logits[task]), torch.cat(targets[task]))
            figures |= {name if number == 0 else f"{task}_{name}": value for name, value in found.items()}
        return figures


def _steps(model: nn.Module, batch: Batch, order: Sequence[str] | None = None) -> Steps:
    steps: Steps = model(batch["inputs"], batch["present"], order)
    return steps
