"""MultiModN: one state, rewritten by one module for each modality there is, read by every task after every step.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). Nothing is imputed: a missing modality is a step not taken.
s_0 is learned; s_m = e_m(s_{m-1}, x_m) where x_m is there, else s_{m-1}; logits of task t after step m: d_t(s_m).
loss = mean over the steps taken (step 0, no modality yet, among them) and tasks of the cross-entropy
       + change * mean over the steps taken of mean((s_m - s_{m-1})^2).
Shapes: inputs by module (batch, width); present by module (batch,) bool; states (batch, modules + 1, state);
taken (batch, modules + 1) bool, step 0 always; logits by task (batch, modules + 1, classes).
Two things differ from the released code on purpose: a step is skipped for the sample that lacks the modality, not
for its whole batch (`whole_batch=True` gives the released rule), and losses take logits, not sigmoid outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from alciato.errors import unknown_name


class ModularConfig(BaseModel):
    """Sizes: width of each module's input in the order of the steps, number of classes of each task."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    modules: dict[str, int] = Field(min_length=1, description="name to width of the input")
    tasks: dict[str, int] = Field(min_length=1, description="name to number of classes")
    state: int = Field(64, ge=1)
    hidden: int = Field(64, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    change: float = Field(0.0, ge=0, description="weight of the penalty on changes of the state")
    whole_batch: bool = Field(False, description="skip a step for all of a batch if one sample lacks it")


class Steps(NamedTuple):
    """What a pass gives: states, which steps were taken, logits of each task after each step."""

    states: Tensor
    taken: Tensor
    logits: dict[str, Tensor]


class StateModule(nn.Module):
    """One modality's step: the input and the state before give the state after; linear at the end, so none can die."""

    def __init__(self, width: int, config: ModularConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(width + config.state, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.state),
        )

    def forward(self, state: Tensor, values: Tensor) -> Tensor:
        """State (batch, state), values (batch, width) to the next state (batch, state)."""
        after: Tensor = self.layers(torch.cat([values, state], dim=-1))
        return after


class ModularJudge(nn.Module):
    """The sequence of modules and the decoders of all tasks, which are shared by all steps."""

    def __init__(self, config: ModularConfig) -> None:
        super().__init__()
        self.config = config
        self.start = nn.Parameter(torch.randn(config.state) * 0.1)
        self.steps = nn.ModuleDict({name: StateModule(width, config) for name, width in config.modules.items()})
        self.decoders = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(config.state, config.hidden), nn.ReLU(), nn.Linear(config.hidden, classes)
                )
                for name, classes in config.tasks.items()
            }
        )

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor], order: Sequence[str] | None = None
    ) -> Steps:
        """Take the steps in `order` (that of the configuration if None; a part of the modules will do).

        Raises:
            UsageError: `order` names a module that there is not.
        """
        order = list(self.config.modules) if order is None else list(order)
        for name in order:
            if name not in self.config.modules:
                raise unknown_name("module", name, list(self.config.modules))
        count = len(next(iter(present.values())))
        state = self.start.expand(count, -1)
        states, taken = [state], [torch.ones(count, dtype=torch.bool, device=state.device)]
        for name in order:
            there = present[name]
            if self.config.whole_batch:
                there = there.all().expand(count)
            values = torch.where(there[:, None], inputs[name], 0.0)  # what stands there for a missing one is not read
            state = torch.where(there[:, None], self.steps[name](state, values), state)
            states.append(state)
            taken.append(there)
        stacked = torch.stack(states, dim=1)  # (batch, modules + 1, state)
        logits = {name: decoder(stacked) for name, decoder in self.decoders.items()}
        return Steps(stacked, torch.stack(taken, dim=1), logits)


def modular_loss(steps: Steps, labels: Mapping[str, Tensor], change: float = 0.0) -> Tensor:
    """Mean cross-entropy over the steps taken and the tasks, and the penalty on changes, shape ().

    A label below 0 does not count: a sample may have a label for some tasks only.
    """
    losses, counts = [], []
    for task, logits in steps.logits.items():
        target = labels[task][:, None].expand(-1, logits.shape[1])
        counted = steps.taken & (target >= 0)
        each = functional.cross_entropy(logits.transpose(1, 2), target.clamp(min=0), reduction="none")
        losses.append((each * counted).sum())
        counts.append(counted.sum())
    error = torch.stack(losses).sum() / torch.stack(counts).sum().clamp(min=1)
    return error + change * change_penalty(steps) if change else error


def change_penalty(steps: Steps) -> Tensor:
    """Mean over the steps taken of mean((s_m - s_{m-1})^2), shape ()."""
    moved = (steps.states[:, 1:] - steps.states[:, :-1]).square().mean(-1)  # (batch, modules)
    taken = steps.taken[:, 1:]
    return (moved * taken).sum() / taken.sum().clamp(min=1)


def final(logits: Tensor) -> Tensor:
    """Logits after the last step (batch, classes). A step not taken kept the state, so this is each one's last."""
    return logits[:, -1]


def contributions(logits: Tensor) -> Tensor:
    """Change of every class's probability at each step, (batch, modules, classes); 0 where a step was not taken."""
    return logits.softmax(-1).diff(dim=1)
