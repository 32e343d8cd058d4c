"""Nets that the modular judge is compared with: parallel fusion, and MultiModN and its baseline as released.

Source: arXiv 2309.14118 and its repository (read, never copied). All take inputs and presence by module and give
`ModularOutput`, as the modular judge does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from alciato.nets.modular import ModularOutput


class ParallelFusion(nn.Module):
    """All inputs side by side, what is missing filled with zeros, two hidden layers, one output layer a task.

    Args:
        modules: name to width.
        tasks: name to number of classes.
        hidden: size of both hidden layers.
        mask: append a bit for each module that says whether it is there.
        lose: probability with which a module that is there is hidden while training (modality dropout).
        ignored: a module that is never seen.
    """

    def __init__(
        self,
        modules: Mapping[str, int],
        tasks: Mapping[str, int],
        hidden: int,
        *,
        mask: bool = False,
        lose: float = 0.0,
        ignored: str | None = None,
    ) -> None:
        super().__init__()
        self.mask, self.lose, self.ignored = mask, lose, ignored
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
        there = {name: self._kept(name, bits) for name, bits in present.items()}
        filled = [torch.where(there[name][:, None], values, 0.0) for name, values in inputs.items()]
        bits = [torch.stack([there[name].float() for name in inputs], dim=-1)] if self.mask else []
        state = self.body(torch.cat(filled + bits, dim=-1))[:, None]  # (batch, 1, hidden)
        taken = torch.ones(len(state), 1, dtype=torch.bool, device=state.device)
        return ModularOutput(state, taken, {name: head(state) for name, head in self.heads.items()})

    def _kept(self, name: str, bits: Tensor) -> Tensor:
        if name == self.ignored:
            return torch.zeros_like(bits)
        if not self.training or not self.lose:
            return bits
        return bits & (torch.rand(bits.shape, device=bits.device) >= self.lose)


def fusion_of_size(
    modules: Mapping[str, int],
    tasks: Mapping[str, int],
    weights: int,
    *,
    mask: bool = False,
    lose: float = 0.0,
    ignored: str | None = None,
) -> ParallelFusion:
    """Give a fusion whose number of weights is nearest to `weights`, so that the comparison is fair."""
    width = sum(modules.values()) + len(modules) * mask
    hidden = min(range(4, 512, 2), key=lambda size: abs(_weights(width, tasks, size) - weights))
    return ParallelFusion(modules, tasks, hidden, mask=mask, lose=lose, ignored=ignored)


def _weights(width: int, tasks: Mapping[str, int], hidden: int) -> int:
    return (width + 1) * hidden + (hidden + 1) * hidden + sum((hidden + 1) * classes for classes in tasks.values())


class ReleasedMultiModN(nn.Module):
    """MultiModN as its repository has it, with what the paper's page calls its faults.

    An encoder of a module concatenates input and state, drops 0.2 of these in training, and has ReLU after every
    layer, the last too, so that states are never negative. Decoders end in a sigmoid for each class, and the
    cross-entropy is taken of these (`released_loss`). That a step is skipped for a whole batch if one of its samples
    lacks the module is the business of whoever calls it.
    """

    def __init__(
        self, modules: Mapping[str, int], tasks: Mapping[str, int], *, state: int = 50, hidden: int = 32
    ) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(state))
        self.encoders = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Dropout(0.2), nn.Linear(width + state, hidden), nn.ReLU(),
                    nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, state), nn.ReLU(),
                )
                for name, width in modules.items()
            }
        )  # fmt: skip
        self.decoders = _released_decoders(state, tasks, hidden)

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor], order: Sequence[str] | None = None
    ) -> ModularOutput:
        """Take the steps in the order of the modules, or in `order`; `logits` are the outputs of the sigmoids."""
        count = len(next(iter(present.values())))
        state = self.start.expand(count, -1)
        states, taken = [state], [torch.ones(count, dtype=torch.bool)]
        for name in order or list(inputs):
            there = present[name]
            values = torch.where(there[:, None], inputs[name], 0.0)
            state = torch.where(there[:, None], self.encoders[name](torch.cat([values, state], -1)), state)
            states.append(state)
            taken.append(there)
        stacked = torch.stack(states, 1)
        return ModularOutput(
            stacked, torch.stack(taken, 1), {name: head(stacked) for name, head in self.decoders.items()}
        )


class ReleasedFusion(nn.Module):
    """Parallel fusion as the repository of MultiModN has it: two layers of 32, no dropout, a sigmoid for each class."""

    def __init__(self, modules: Mapping[str, int], tasks: Mapping[str, int], *, hidden: int = 32) -> None:
        super().__init__()
        self.decoders = _released_decoders(sum(modules.values()), tasks, hidden)

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor], order: Sequence[str] | None = None
    ) -> ModularOutput:
        """Fuse, with zeros for what is missing; `order` does not matter. `logits` are the outputs of the sigmoids."""
        del order
        filled = torch.cat([torch.where(present[name][:, None], x, 0.0) for name, x in inputs.items()], dim=-1)[:, None]
        taken = torch.ones(len(filled), 1, dtype=torch.bool)
        return ModularOutput(filled, taken, {name: head(filled) for name, head in self.decoders.items()})


def _released_decoders(width: int, tasks: Mapping[str, int], hidden: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            name: nn.Sequential(
                nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                nn.Linear(hidden, classes), nn.Sigmoid(),
            )
            for name, classes in tasks.items()
        }
    )  # fmt: skip


def released_loss(steps: ModularOutput, labels: Mapping[str, Tensor]) -> Tensor:
    """Sum the cross-entropies of the sigmoids' outputs over tasks and steps, divided by all steps, skipped ones too."""
    total = torch.zeros(())
    for task, outputs in steps.logits.items():
        target = labels[task][:, None].expand(-1, outputs.shape[1])
        each = functional.cross_entropy(outputs.transpose(1, 2), target, reduction="none")  # (batch, steps)
        total = total + (each * steps.taken).mean()  # a skipped step adds 0 and counts
    return total / len(steps.logits)
