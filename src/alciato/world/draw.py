"""Random choices from one seed: the same everywhere, in every process and on every machine.

A stream of random numbers is named by words, such as ("scene", 7, "train", 12); the name's SHA-256 seeds PCG64.
Python's own `hash` differs from process to process and plays no part.

Splits: a `Pool` orders its concepts by their SHA-256 and cuts the order into train (70 %), validation (10 %) and
test (20 %). So no concept stands in two splits, and which split it is in depends on nothing but its name, its pool
and the fold. Folds are for cross-validation: over the folds 0 to 4 each concept of a pool of five or more is in the
test split exactly once.
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


FOLDS = 5
"""Divisions of a pool into splits; their test splits do not overlap."""


class Pool(Generic[T]):
    """Concepts of one sort, at least three: objects, groups, phrases. Each split has its own part of them."""

    def __init__(self, name: str, members: Iterable[T], key: Callable[[T], str] = str) -> None:
        self.name = name
        self.members: tuple[T, ...] = tuple(members)
        self._order = tuple(sorted(self.members, key=lambda member: stable_hash("pool", name, key(member))))
        self._parts: dict[tuple[Split, int], tuple[T, ...]] = {}

    def of(self, split: Split | None, fold: int = 0) -> tuple[T, ...]:
        """The concepts of a split; all of them where it is None."""
        if split is None:
            return self.members
        if (split, fold) not in self._parts:
            self._parts |= {(one, fold): part for one, part in self._divided(fold).items()}
        return self._parts[split, fold]

    def _divided(self, fold: int) -> dict[Split, tuple[T, ...]]:
        """Cut the order into the splits of a fold; the test part moves backwards through the order, fold by fold."""
        count = len(self._order)
        least = 2 if count >= 10 else 1  # so that two can differ
        validation, test = (max(least, round(share * count)) for share in (0.1, 0.2))
        sizes = [test, *_shares(count - test, FOLDS - 1)] if count >= FOLDS else [test] * FOLDS
        fold %= FOLDS
        end = (count - sum(sizes[:fold])) % count or count
        turned = self._order[end:] + self._order[:end]
        train = count - validation - sizes[fold]
        return {
            "train": turned[:train],
            "validation": turned[train : train + validation],
            "test": turned[train + validation :],
        }


def _shares(count: int, parts: int) -> list[int]:
    """Whole numbers, as equal as can be, that add up to `count`."""
    return [count // parts + (number < count % parts) for number in range(parts)]


@dataclass
class Draw:
    """A stream of random choices, and the split whose concepts may be drawn."""

    rng: np.random.Generator
    split: Split | None = None
    fold: int = 0

    @classmethod
    def named(cls, *name: object, split: Split | None = None, fold: int = 0) -> Draw:
        """Start the stream of that name."""
        return cls(np.random.Generator(np.random.PCG64(stable_hash(*name))), split, fold)

    def of(self, pool: Pool[T]) -> tuple[T, ...]:
        """The concepts that may be drawn from a pool."""
        return pool.of(self.split, self.fold)

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
        """Draw True with that probability."""
        return bool(self.rng.random() < probability)
