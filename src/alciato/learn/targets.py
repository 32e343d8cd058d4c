"""Typed training targets: what an example teaches, besides its item.

`ClassLabel` and `Labels` are for classification, `ContrastiveGroup` and `Pair` for contrastive objectives,
`TextCompletion` and `Preference` for language models. `as_row` gives the columns that the trainers of
sentence-transformers and trl expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ClassLabel:
    """One class: its name, and its number among the classes."""

    name: str
    number: int


@dataclass(frozen=True)
class Labels:
    """Class numbers by task; a task that is not there, or has a number below 0, is not labelled."""

    by_task: Mapping[str, int]


@dataclass(frozen=True)
class ContrastiveGroup:
    """Contrastive: examples of the same group are positives of each other, all others are negatives."""

    id: str


@dataclass(frozen=True)
class Pair:
    """Contrastive: a text that shall be close to the example, hard negatives, and the group that both belong to."""

    positive: str
    negatives: tuple[str, ...] = ()
    group: str | None = None

    def as_row(self, anchor: str) -> dict[str, str]:
        """Columns of `MultipleNegativesRankingLoss` of sentence-transformers."""
        negatives = {f"negative_{number}": text for number, text in enumerate(self.negatives, 1)}
        return {"anchor": anchor, "positive": self.positive, **negatives}


@dataclass(frozen=True)
class TextCompletion:
    """Language modelling: the text that shall follow the prompt."""

    prompt: str
    completion: str

    def as_row(self) -> dict[str, str]:
        """Columns of trl's `SFTTrainer`."""
        return {"prompt": self.prompt, "completion": self.completion}


@dataclass(frozen=True)
class Preference:
    """Preference optimisation: of two completions, the chosen one is better."""

    prompt: str
    chosen: str
    rejected: str

    def as_row(self) -> dict[str, str]:
        """Columns of trl's `DPOTrainer`."""
        return {"prompt": self.prompt, "chosen": self.chosen, "rejected": self.rejected}


Target = ClassLabel | Labels | ContrastiveGroup | Pair | TextCompletion | Preference
