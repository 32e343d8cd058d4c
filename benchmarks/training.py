"""What the trainer costs over a bare PyTorch loop of the same model, data, order, learning rate and clipping.

One thread and no waiting: processor time is what counts, so that other work on the machine does not. Pairs are
interleaved, and who goes first changes. Ends with status 1 where the median ratio is above 1.1; the ratio by the clock
is shown too.
    python benchmarks/training.py [--pairs 9] [--epochs 2]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import NamedTuple

import torch
from torch import nn

from alciato.learn import Classification, Trainer, TrainingConfig, seed_everything
from alciato.learn.batches import BatchOrder
from alciato.learn.schedule import learning_rate_factor
from alciato.nets import VisionTransformer, VisionTransformerConfig

MOST = 1.1
CLASSES = ("first", "second")


class Seconds(NamedTuple):
    """Processor time of this process, and time by the clock."""

    processor: float
    clock: float

    def since(self, start: Seconds) -> Seconds:
        """Seconds from a start."""
        return Seconds(self.processor - start.processor, self.clock - start.clock)


def now() -> Seconds:
    """Read both clocks."""
    return Seconds(time.process_time(), time.perf_counter())


class PictureClassifier(nn.Module):
    """A small vision transformer with a head: 0.3 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"size": 32, "patch": 8, "dim": 96, "depth": 3, "heads": 3, "mlp": 192}
        self.encoder = VisionTransformer(VisionTransformerConfig.model_validate(sizes))
        self.head = nn.Linear(96, len(CLASSES))

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Give logits (batch, 2)."""
        logits: torch.Tensor = self.head(self.encoder(batch["pictures"]).pooled)
        return logits


def collate(rows: list[torch.Tensor], _generator: torch.Generator | None) -> dict[str, torch.Tensor]:
    """Stack pictures; the class is whether a picture is bright."""
    pictures = torch.stack(rows)
    return {"pictures": pictures, "labels": (pictures.mean((1, 2, 3)) > 0).long()}


def with_trainer(config: TrainingConfig, examples: list[torch.Tensor]) -> Seconds:
    """Train by the trainer."""
    seed_everything(config.seed)
    model = PictureClassifier()
    start = now()
    Trainer(config).fit(model, examples, collate, Classification(CLASSES))
    return now().since(start)


def bare(config: TrainingConfig, examples: list[torch.Tensor]) -> Seconds:
    """Train by the loop that one would write by hand."""
    seed_everything(config.seed)
    model = PictureClassifier()
    start = now()
    optimizer = torch.optim.AdamW(model.parameters(), config.learning_rate)
    order = BatchOrder(len(examples), config.batch_size, config.seed)
    steps = config.epochs * order.steps
    model.train()
    for step in range(steps):
        factor = learning_rate_factor(step, steps, config.warmup_ratio, config.min_learning_rate_ratio)
        optimizer.param_groups[0]["lr"] = config.learning_rate * factor
        batch = collate([examples[row] for row in order.rows(step)], None)
        loss = nn.functional.cross_entropy(model(batch), batch["labels"])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    return now().since(start)


def main() -> int:
    """Print the median ratio of the pairs and the seconds of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    examples = list(torch.randn(640, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    config = TrainingConfig(epochs=given.epochs, batch_size=32, device="cpu")
    with_trainer(config.model_copy(update={"epochs": 1}), examples)  # warm: imports, allocator
    pairs: list[tuple[Seconds, Seconds]] = []
    for number in range(given.pairs):
        runs = (with_trainer, bare) if number % 2 else (bare, with_trainer)
        seconds = {run.__name__: run(config, examples) for run in runs}
        pairs.append((seconds["with_trainer"], seconds["bare"]))
    ratio = statistics.median(ours.processor / theirs.processor for ours, theirs in pairs)
    clock = statistics.median(ours.clock / theirs.clock for ours, theirs in pairs)
    ours, theirs = (statistics.median(seconds.processor for seconds in column) for column in zip(*pairs, strict=True))
    print(f"trainer {ours:.2f} s, bare loop {theirs:.2f} s of processor time")
    print(f"ratio {ratio:.3f} (at most {MOST}), by the clock {clock:.3f}, median of {len(pairs)} interleaved pairs")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
