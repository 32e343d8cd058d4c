"""Parallel fusion: the baseline of MultiModN. All inputs side by side, what is missing filled with zeros.

Source: P-Fusion of arXiv 2309.14118: concatenated inputs, an MLP of two hidden layers, one output layer a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from alciato.nets.modular import ModularOutput


class ParallelFusion(nn.Module):
    """Inputs (batch, width) by module to logits by task, in the form of `ModularJudge`: one step, taken by all.

    Args:
        modules: name to width.
        tasks: name to number of classes.
        hidden: size of both hidden layers.
        mask: append a bit for each module that says whether it is there.
        lose: probability with which a module that is there is hidden while training (modality dropout).
    """

    def __init__(
        self,
        modules: Mapping[str, int],
        tasks: Mapping[str, int],
        hidden: int,
        *,
        mask: bool = False,
        lose: float = 0.0,
    ) -> None:
        super().__init__()
        self.mask, self.lose = mask, lose
        width = sum(modules.values()) + (len(modules) if mask else 0)
        self.body = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, classes) for name, classes in tasks.items()})

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor], order: Sequence[str] | None = None
    ) -> ModularOutput:
        """Fuse; `order` does not matter here."""
        del order
        there = {name: self._kept(bits) for name, bits in present.items()}
        filled = [torch.where(there[name][:, None], values, 0.0) for name, values in inputs.items()]
        bits = [torch.stack([there[name].float() for name in inputs], dim=-1)] if self.mask else []
        state = self.body(torch.cat(filled + bits, dim=-1))[:, None]  # (batch, 1, hidden)
        taken = torch.ones(len(state), 1, dtype=torch.bool, device=state.device)
        return ModularOutput(state, taken, {name: head(state) for name, head in self.heads.items()})

    def _kept(self, bits: Tensor) -> Tensor:
        if not self.training or not self.lose:
            return bits
        return bits & (torch.rand(bits.shape, device=bits.device) >= self.lose)


def fusion_of_size(
    modules: Mapping[str, int], tasks: Mapping[str, int], weights: int, **options: bool | float
) -> ParallelFusion:
    """Give a fusion whose number of weights is nearest to `weights`, so that the comparison is fair."""
    sizes = range(4, 512, 2)
    counts = [_weights(sum(modules.values()) + len(modules) * bool(options.get("mask")), tasks, size) for size in sizes]
    nearest = min(range(len(counts)), key=lambda place: abs(counts[place] - weights))
    return ParallelFusion(modules, tasks, sizes[nearest], **options)  # type: ignore[arg-type]


def _weights(width: int, tasks: Mapping[str, int], hidden: int) -> int:
    return (width + 1) * hidden + (hidden + 1) * hidden + sum((hidden + 1) * classes for classes in tasks.values())
