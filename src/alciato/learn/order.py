"""Which examples are in which batch: a function of (seed, epoch, step) alone.

So a resumed run goes on at the exact example, several processes agree without talking, and the number of workers
changes nothing. A step's examples are dealt to processes and pieces like cards; a piece weighs by its share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Piece:
    """The examples of one forward pass. `weight` is their share of the step's examples, 0 for a mere stand-in."""

    rows: tuple[int, ...]
    weight: float
    seed: int  # of whatever is drawn while these examples become a batch


@dataclass(frozen=True)
class Order:
    """The order of `examples` examples in steps of `batch`."""

    examples: int
    batch: int
    seed: int

    @property
    def steps(self) -> int:
        """Steps of an epoch; the last one may be smaller."""
        return -(-self.examples // self.batch)

    def rows(self, step: int) -> list[int]:
        """Rows of a step, counted over all epochs; each epoch is a new permutation of all rows."""
        epoch, within = divmod(step, self.steps)
        permutation = _permutation(self.examples, self.seed, epoch)
        return [int(row) for row in permutation[within * self.batch : (within + 1) * self.batch]]

    def pieces(self, step: int, accumulation: int = 1, process: int = 0, processes: int = 1) -> list[Piece]:
        """Pieces of a step for one process. The weights of all pieces of all processes sum to 1."""
        return self.deal(step, self.rows(step), accumulation, process, processes)

    def deal(self, step: int, rows: list[int], accumulation: int, process: int, processes: int) -> list[Piece]:
        """Deal the rows of a step; a process or piece that gets none takes the first row with weight 0."""
        mine = rows[process::processes]
        pieces = []
        for number in range(accumulation):
            some = tuple(mine[number::accumulation])
            seed = np.random.SeedSequence((self.seed, step, process, number)).generate_state(1, np.uint32)
            pieces.append(Piece(some or (rows[0],), len(some) / len(rows), int(seed[0])))
        return pieces


@lru_cache(maxsize=4)
def _permutation(examples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(examples)
