"""MultiModN: a state is updated by one module for each modality present; each task decodes it after every step.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). Nothing is imputed: the step of a missing modality is skipped.
s_0 is learned; s_m = e_m(s_{m-1}, x_m) where x_m is there, else s_{m-1}; logits of task t after step m: d_t(s_m).
loss = mean over the steps taken (including step 0, before any modality) and tasks of the cross-entropy
       + change_weight * mean over the steps taken of mean((s_m - s_{m-1})^2).
Shapes: inputs by module (batch, width); present by module (batch,) bool; states (batch, modules + 1, state);
taken (batch, modules + 1) bool, step 0 always; logits by task (batch, modules + 1, classes).
Two deliberate differences from the released code: a step is skipped for the sample that lacks the modality, not for
its whole batch (`whole_batch=True` is the released rule), and losses take logits, not sigmoid outputs.
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
    whole_batch: bool = Field(False, description="skip a step for all of a batch if one sample lacks it")


class ModularOutput(NamedTuple):
    """States, which steps were taken, and logits of each task after each step."""

    states: Tensor
    taken: Tensor
    logits: dict[str, Tensor]


class StateModule(nn.Module):
    """State update of one modality; the last layer is linear, so that no unit of the state can become inactive."""

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
    """Sequence of modules, and one decoder for each task that is shared by all steps."""

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
    ) -> ModularOutput:
        """Run the modules in `order` (None: the order of the configuration; a subset is allowed).

        Raises:
            UsageError: `order` names an unknown module.
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
            values = torch.where(there[:, None], inputs[name], 0.0)  # the placeholder of a missing modality is not read
            state = torch.where(there[:, None], self.steps[name](state, values), state)
            states.append(state)
            taken.append(there)
        stacked = torch.stack(states, dim=1)  # (batch, modules + 1, state)
        logits = {name: decoder(stacked) for name, decoder in self.decoders.items()}
        return ModularOutput(stacked, torch.stack(taken, dim=1), logits)


def modular_loss(output: ModularOutput, labels: Mapping[str, Tensor], change_weight: float = 0.0) -> Tensor:
    """Mean cross-entropy over the steps taken and the tasks, and the penalty on changes, shape ().

    Labels below 0 are ignored: a sample may have labels for some tasks only.
    """
    losses, counts = [], []
    for task, logits in output.logits.items():
        target = labels[task][:, None].expand(-1, logits.shape[1])
        counted = output.taken & (target >= 0)
        each = functional.cross_entropy(logits.transpose(1, 2), target.clamp(min=0), reduction="none")
        losses.append((each * counted).sum())
        counts.append(counted.sum())
    loss = torch.stack(losses).sum() / torch.stack(counts).sum().clamp(min=1)
    return loss + change_weight * change_penalty(output) if change_weight else loss


def change_penalty(output: ModularOutput) -> Tensor:
    """Mean over the steps taken of mean((s_m - s_{m-1})^2), shape ()."""
    moved = (output.states[:, 1:] - output.states[:, :-1]).square().mean(-1)  # (batch, modules)
    taken = output.taken[:, 1:]
    return (moved * taken).sum() / taken.sum().clamp(min=1)


def final_logits(logits: Tensor) -> Tensor:
    """Return the logits after the last step (batch, classes). Skipped steps keep the state, so it is valid for all."""
    return logits[:, -1]


def contributions(logits: Tensor) -> Tensor:
    """Change of each class probability at each step, (batch, modules, classes); 0 where the step was skipped."""
    return logits.softmax(-1).diff(dim=1)
