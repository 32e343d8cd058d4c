"""Training in an experiment: a plain loop, which no default of the product changes.

Rows of a batch are a function of (seed, epoch) alone: a new permutation of all rows in each epoch, or the order of the
file, as loaders that never shuffle have it. The weights of the epoch that validates best are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. `warm_up` is the share of the steps over which the learning rate rises linearly."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    warm_up: float = 0.0
    decay_to: float = 1.0
    shuffle: bool = True
    seed: int = 0


def batches(rows: int, recipe: Recipe, epoch: int) -> Iterator[Tensor]:
    """Yield the rows of each batch of an epoch."""
    order = np.random.default_rng((recipe.seed, epoch)).permutation(rows) if recipe.shuffle else np.arange(rows)
    yield from torch.from_numpy(order.astype(np.int64)).split(recipe.batch_size)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Rise linearly over the warm-up, then fall along a cosine to `decay_to` of the rate."""
    warm = recipe.warm_up * steps
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    share = (step - warm) / max(1.0, steps - warm)
    return recipe.learning_rate * (recipe.decay_to + (1 - recipe.decay_to) * (1 + float(np.cos(np.pi * share))) / 2)


def train(
    model: nn.Module, loss: Callable[[Tensor], Tensor], rows: int, validate: Callable[[], float], recipe: Recipe
) -> nn.Module:
    """Minimise `loss(rows of a batch)`; give the model, in evaluation mode, with the weights that validated best."""
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-rows // recipe.batch_size)
    best, kept, step = -np.inf, model.state_dict(), 0
    for epoch in range(recipe.epochs):
        model.train()
        for chosen in batches(rows, recipe, epoch):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, recipe)
            optimizer.zero_grad(set_to_none=True)
            loss(chosen).backward()
            optimizer.step()
            step += 1
        model.eval()
        with torch.inference_mode():
            found = validate()
        if found > best:
            best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    return model.eval()


def seed_torch(seed: int) -> None:
    """Seed what a model draws: its weights and its dropout."""
    torch.manual_seed(seed)


def auroc(labels: Sequence[int] | Tensor, scores: Tensor) -> float:
    """AUROC of logits or probabilities (rows, classes); of several classes the mean of one against the rest."""
    from sklearn.metrics import roc_auc_score

    truth = np.asarray(labels)
    probabilities = scores.double().softmax(-1).numpy()
    classes = [number for number in range(scores.shape[1]) if 0 < (truth == number).mean() < 1]
    if scores.shape[1] == 2:
        classes = classes[-1:]
    return float(np.mean([roc_auc_score(truth == number, probabilities[:, number]) for number in classes]))
