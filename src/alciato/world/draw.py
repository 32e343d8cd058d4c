"""What is left to chance, from one seed: the same everywhere, in every process and on every machine.

A stream of random numbers is named by words, such as ("scene", 7, "train", 12); the name's SHA-256 seeds PCG64.
Python's own `hash` differs from process to process and plays no part.

Splits: a `Pool` orders its concepts by their SHA-256 and cuts the order into train (70 %), validation (10 %) and
test (20 %). So no concept stands in two splits, and which split it is in depends on nothing but its name and its pool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

T = TypeVar("T")


def stable_hash(*name: object) -> int:
    """Turn a name into 128 bits, the same in every process."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, name)).encode()).digest()[:16], "big")


class Pool(Generic[T]):
    """Concepts of one sort, at least three: objects, groups, phrases. Each split has its own part of them."""

    def __init__(self, name: str, members: Iterable[T], key: Callable[[T], str] = str) -> None:
        self.name = name
        self.members: tuple[T, ...] = tuple(members)
        order = sorted(self.members, key=lambda member: stable_hash("pool", name, key(member)))
        least = 2 if len(order) >= 10 else 1  # so that two can differ
        validation, test = (max(least, round(share * len(order))) for share in (0.1, 0.2))
        train = len(order) - validation - test
        self._parts: dict[Split | None, tuple[T, ...]] = {
            None: self.members,
            "train": tuple(order[:train]),
            "validation": tuple(order[train : train + validation]),
            "test": tuple(order[train + validation :]),
        }

    def of(self, split: Split | None) -> tuple[T, ...]:
        """The concepts of a split; all of them where it is None."""
        return self._parts[split]


@dataclass
class Draw:
    """A stream of chance, and the split whose concepts may be drawn."""

    rng: np.random.Generator
    split: Split | None = None

    @classmethod
    def named(cls, *name: object, split: Split | None = None) -> Draw:
        """Start the stream of that name."""
        return cls(np.random.Generator(np.random.PCG64(stable_hash(*name))), split)

    def of(self, pool: Pool[T]) -> tuple[T, ...]:
        """The concepts that may be drawn from a pool."""
        return pool.of(self.split)

    def one(self, pool: Pool[T]) -> T:
        """Draw a concept."""
        return self.pick(self.of(pool))

    def pick(self, values: Sequence[T]) -> T:
        """Draw one of the values, all equally likely."""
        return values[int(self.rng.integers(len(values)))]

    def some(self, values: Sequence[T], count: int) -> list[T]:
        """Draw `count` different ones of the values, in random order."""
        return [values[int(place)] for place in self.rng.permutation(len(values))[:count]]

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number of low..high, both included."""
        return int(self.rng.integers(low, high + 1))

    def real(self, low: float, high: float) -> float:
        """Draw a number in low..high."""
        return float(low + (high - low) * self.rng.random())

    def chance(self, probability: float) -> bool:
        """Say yes with that probability."""
        return bool(self.rng.random() < probability)
