"""From examples to batches, by the order of steps; worker processes prepare them ahead where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from alciato.learn.order import Order, Piece

Batch = Mapping[str, Any]
"""Tensors by name, the first dimension the examples; `ids`, where there, names the examples in errors."""

Collate = Callable[[list[Any], torch.Generator], Batch]
"""Examples to a batch. What it draws it draws from the generator, which is seeded by the step."""


def held_out(examples: Sequence[Any], collate: Collate, size: int = 64) -> Iterator[Batch]:
    """Yield batches of every example once, in order: what `measure` takes."""
    return Source(examples, collate).all(size)


@dataclass(frozen=True)
class Source:
    """Examples, and how they become a batch."""

    examples: Sequence[Any]
    collate: Collate

    def batch(self, piece: Piece) -> Batch:
        """Build the batch of a piece; what is drawn is drawn from its seed."""
        generator = torch.Generator().manual_seed(piece.seed)
        return self.collate([self.examples[row] for row in piece.rows], generator)

    def all(self, size: int) -> Iterator[Batch]:
        """Yield every example once, in order."""
        for start in range(0, len(self.examples), size):
            rows = tuple(range(start, min(start + size, len(self.examples))))
            yield self.batch(Piece(rows, 1.0, start))


@dataclass(frozen=True)
class Steps(torch.utils.data.Dataset[Any]):
    """The pieces of each step with their batches: what worker processes prepare."""

    source: Source
    order: Order
    accumulation: int
    process: int
    processes: int

    def __getitem__(self, step: int) -> list[tuple[Piece, Batch]]:
        pieces = self.order.pieces(step, self.accumulation, self.process, self.processes)
        return [(piece, self.source.batch(piece)) for piece in pieces]
