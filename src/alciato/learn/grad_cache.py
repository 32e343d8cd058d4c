"""GradCache: the gradient of a loss that couples all examples of a step, in the memory of one micro-batch.

Source: GradCache, arXiv 2101.06983. The embeddings of all micro-batches are computed without a graph; the gradient of
the loss with respect to them is cached; each micro-batch is embedded again, and its cached gradient back-propagated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from alciato.learn.objectives import CoupledObjective, Embedded

Gather = Callable[[Tensor], Sequence[Tensor]]
"""From the tensor of this process to those of all processes, in order; lengths may differ."""


def embedding_gradients(
    objective: CoupledObjective, parts: Sequence[Embedded], gather: Gather | None = None, process: int = 0
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Compute the loss over the embeddings of all micro-batches and processes, and its gradient for those of this one.

    Args:
        objective: gives the loss.
        parts: embeddings of the micro-batches of this process, without a graph.
        gather: brings the embeddings of all processes together; None: there is one process.
        process: number of this process.

    Returns:
        the loss of the whole step, shape (), equal on all processes; for each part, its gradients by name.
    """
    own = {name: torch.cat([part[name] for part in parts]).detach() for name in parts[0]}
    leaves = [value.requires_grad_() for value in own.values() if value.is_floating_point()]
    step = own
    if gather is not None:
        gathered = {name: list(gather(value.detach())) for name, value in own.items()}
        for name, values in gathered.items():
            values[process] = own[name]  # the one through which the gradient flows
        step = {name: torch.cat(values) for name, values in gathered.items()}
    with torch.enable_grad():
        loss = objective.loss(step)
    gradients = dict(
        zip(
            (name for name, value in own.items() if value.is_floating_point()),
            torch.autograd.grad(loss, leaves, materialize_grads=True),
            strict=True,
        )
    )
    lengths = [len(next(iter(part.values()))) for part in parts]
    split = {name: gradient.split(lengths) for name, gradient in gradients.items()}
    return loss.detach(), [{name: split[name][number] for name in split} for number in range(len(parts))]


def surrogate(embedded: Embedded, gradients: dict[str, Tensor]) -> Tensor:
    """Return sum(embedding * gradient), shape (): its gradient for the model is that of the loss of the whole step."""
    return torch.stack([(embedded[name] * gradient).sum() for name, gradient in gradients.items()]).sum()
