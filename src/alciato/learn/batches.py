"""Batches of each optimiser step: a function of (seed, epoch, step) alone.

So a resumed run continues at the exact example, several processes agree without communication, and the number of
worker processes changes nothing. The examples of a step are split round-robin over processes and micro-batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Batch = Mapping[str, Any]
"""Tensors by name, the first dimension the examples; `ids`, if there, names the examples in errors."""

Collate = Callable[[list[Any], torch.Generator], Batch]
"""Makes a batch of examples. All random numbers come from the generator, which is seeded by the step."""


@dataclass(frozen=True)
class MicroBatch:
    """Rows of one forward pass. A process without rows takes one as placeholder, so that all processes synchronise."""

    rows: tuple[int, ...]
    seed: int  # of everything random in collating and in the forward pass
    placeholder: bool = False


@dataclass(frozen=True)
class BatchOrder:
    """Order of `examples` examples in steps of `batch_size`; each epoch is a new permutation."""

    examples: int
    batch_size: int
    seed: int

    @property
    def steps(self) -> int:
        """Steps of an epoch; the last one may be smaller."""
        return -(-self.examples // self.batch_size)

    def rows(self, step: int) -> list[int]:
        """Rows of a step, counted over all epochs."""
        epoch, within = divmod(step, self.steps)
        permutation = _permutation(self.examples, self.seed, epoch)
        return [int(row) for row in permutation[within * self.batch_size : (within + 1) * self.batch_size]]

    def micro_batches(
        self, step: int, accumulation_steps: int = 1, process: int = 0, processes: int = 1
    ) -> list[MicroBatch]:
        """Micro-batches of a step for one process; together, those of all processes hold each row of the step once."""
        rows = self.rows(step)
        own = rows[process::processes]
        result = []
        for number in range(accumulation_steps):
            some = tuple(own[number::accumulation_steps])
            seed = np.random.SeedSequence((self.seed, step, process, number)).generate_state(1, np.uint32)
            result.append(MicroBatch(some or (rows[0],), int(seed[0]), placeholder=not some))
        return result


@dataclass(frozen=True)
class BatchSource:
    """Examples and the function that collates them."""

    examples: Sequence[Any]
    collate: Collate

    def batch(self, micro_batch: MicroBatch) -> Batch:
        """Collate the rows of a micro-batch with a generator of its seed."""
        generator = torch.Generator().manual_seed(micro_batch.seed)
        return self.collate([self.examples[row] for row in micro_batch.rows], generator)

    def all(self, size: int) -> Iterator[Batch]:
        """Yield batches of every example once, in order."""
        for start in range(0, len(self.examples), size):
            rows = tuple(range(start, min(start + size, len(self.examples))))
            yield self.batch(MicroBatch(rows, start))


def held_out(examples: Sequence[Any], collate: Collate, size: int = 64) -> Iterator[Batch]:
    """Yield batches of every example once, in order, for evaluation with `measure`."""
    return BatchSource(examples, collate).all(size)


@dataclass(frozen=True)
class StepDataset(torch.utils.data.Dataset[Any]):
    """Micro-batches of each step with their batches, for a `DataLoader` with worker processes."""

    source: BatchSource
    order: BatchOrder
    accumulation_steps: int
    process: int
    processes: int

    def __getitem__(self, step: int) -> list[tuple[MicroBatch, Batch]]:
        micro_batches = self.order.micro_batches(step, self.accumulation_steps, self.process, self.processes)
        return [(micro_batch, self.source.batch(micro_batch)) for micro_batch in micro_batches]


@lru_cache(maxsize=4)
def _permutation(examples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(examples)
