"""Disjoint training, validation and test splits, stratified by class.

Posts with the same media or, without media, the same words are in the same split: an exact copy in another split would
be a leak. A metadata field `split` (train, validation, test) decides, if every post has it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from alciato.errors import AlciatoError, UsageError
from alciato.learn.examples import Examples, TrainingExample

NAMES = {"train": 0, "training": 0, "validation": 1, "valid": 1, "val": 1, "dev": 1, "test": 2, "testing": 2}


class Splits(NamedTuple):
    """Three sets of examples of the same classes."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Shares:
    """Shares of the splits; they sum to 1."""

    train: float = 0.7
    validation: float = 0.15
    test: float = 0.15

    def __post_init__(self) -> None:
        values = (self.train, self.validation, self.test)
        if min(values) <= 0 or abs(sum(values) - 1) > 1e-9:
            raise UsageError(f"shares {values} must be above 0 and sum to 1.")


def split(examples: Examples, seed: int = 0, shares: Shares | None = None) -> Splits:
    """Split by the metadata field `split` where every post has it, else at random by the seed, class by class.

    Raises:
        AlciatoError: a split would be empty, or have no example of a class that training needs.
        UsageError: a `split` of another name.
    """
    given = [example.item.metadata.get("split") for example in examples]
    places = _given(given) if all(given) else _drawn(examples, seed, shares or Shares())
    parts = [
        replace(examples, examples=tuple(e for e, place in zip(examples, places, strict=True) if place == number))
        for number in range(3)
    ]
    result = Splits(*parts)
    _check(result, len(examples))
    return result


def _given(names: Sequence[object]) -> list[int]:
    unknown = next((str(name) for name in names if str(name).lower() not in NAMES), None)
    if unknown is not None:
        raise UsageError(f"a post's `split` is {unknown!r}.", remedy=f"Known: {', '.join(NAMES)}.")
    return [NAMES[str(name).lower()] for name in names]


def _drawn(examples: Examples, seed: int, shares: Shares) -> list[int]:
    """Assign the groups of each class, in the order of a seeded hash, to the split furthest below its share."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        groups[group_of(example)].append(place)
    by_class: dict[str, list[str]] = defaultdict(list)
    for group in sorted(groups, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        by_class[examples[groups[group][0]].label].append(group)
    places = [0] * len(examples)
    wanted = (shares.train, shares.validation, shares.test)
    for names in by_class.values():
        total, have = sum(len(groups[name]) for name in names), [0, 0, 0]
        for name in names:
            lack = [share * total - count for share, count in zip(wanted, have, strict=True)]
            number = lack.index(max(lack))
            have[number] += len(groups[name])
            for place in groups[name]:
                places[place] = number
    return places


def group_of(example: TrainingExample) -> str:
    """Key that posts of different splits must not share: their media or, without media, their words."""
    media = [part.media for _, part in example.item.media()]
    return " ".join(media) or " ".join((example.text or example.id).lower().split())


def _check(splits: Splits, total: int) -> None:
    for name, part in zip(("training", "validation", "test"), splits, strict=True):
        if not len(part):
            raise AlciatoError(f"the {name} split of {total} examples is empty.", remedy="Give more examples.")
    counts = Counter(splits.train.counts())
    missing = [name for name, count in counts.items() if not count]
    if missing:
        raise AlciatoError(
            f"no training example is of class {missing[0]!r}.", remedy="Give more examples of it, or leave it out."
        )
