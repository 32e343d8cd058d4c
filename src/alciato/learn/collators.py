"""Examples to batches, one collator for each family of models: pictures, text, or both with either missing.

A batch has `ids` (list), `labels` (batch,) int64, and by family
pictures (batch, 3, size, size) float32, normalised; zeros where there is none, told by `has_picture` (batch,) bool;
tokens (batch, longest) int64, mask (batch, longest) bool; `start end` where there is none, told by `has_text`.
`decode(batch)` gives back what a person can check: that is what `--dry-run` prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alciato.errors import AlciatoError
from alciato.learn.examples import Example
from alciato.nets.pictures import HALF, normalised, resized
from alciato.nets.tokenizers import Tokenizer, as_tensors

CACHED = 512 * 2**20
"""Bytes of small decoded pictures that a collator remembers."""


@dataclass
class PictureTensors:
    """Pictures of examples as tensors, each decoded once while there is room."""

    size: int
    mean: Sequence[float] = HALF
    deviation: Sequence[float] = HALF
    _known: dict[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False)

    def __call__(self, examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
        """Give pictures (batch, 3, size, size), stretched to a square, and whether each is there (batch,)."""
        out = torch.zeros(len(examples), 3, self.size, self.size)
        there = torch.zeros(len(examples), dtype=torch.bool)
        for row, example in enumerate(examples):
            if example.image is not None:
                out[row], there[row] = normalised(self._pixels(example), self.mean, self.deviation), True
        return out, there

    def _pixels(self, example: Example) -> NDArray[np.uint8]:
        """Pixels (size, size, 3) of an example that has a picture."""
        sha = example.image.media if example.image else ""
        if sha in self._known:
            return self._known[sha]
        picture = example.picture()
        if picture is None:
            raise AlciatoError(f"the post {example.id} has no picture.")
        pixels = resized(picture, self.size)
        if (len(self._known) + 1) * pixels.nbytes <= CACHED:
            self._known[sha] = pixels
        return pixels


@dataclass
class PictureCollator:
    """Posts with a picture, for models that see. A post without one is an error: filter first."""

    pictures: PictureTensors

    def __call__(self, examples: list[Example], generator: torch.Generator) -> dict[str, Any]:
        """Build `ids`, `labels`, `pictures`."""
        del generator
        pictures, there = self.pictures(examples)
        if not bool(there.all()):
            missing = examples[int((~there).nonzero()[0])].id
            raise AlciatoError(f"the post {missing} has no picture.", remedy="Leave it out, or use a mixed model.")
        return {**_named(examples), "pictures": pictures}

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Say what each example of a batch is."""
        size = list(batch["pictures"].shape[-2:])
        return [row | {"picture": size} for row in _told(batch)]


@dataclass
class TextCollator:
    """Posts with words, for models that read. A post without words is an empty text."""

    tokenizer: Tokenizer
    length: int

    def __call__(self, examples: list[Example], generator: torch.Generator) -> dict[str, Any]:
        """Build `ids`, `labels`, `tokens`, `mask`, `has_text`."""
        del generator
        tokens, mask = as_tensors(self.tokenizer, [example.text or "" for example in examples], self.length)
        there = torch.tensor([example.text is not None for example in examples])
        return {**_named(examples), "tokens": tokens, "mask": mask, "has_text": there}

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Say what each example of a batch is."""
        texts = [self.tokenizer.decode(row.tolist()) for row in batch["tokens"]]
        present = batch["has_text"].tolist()
        told = zip(_told(batch), texts, present, strict=True)
        return [row | {"text": text if there else None} for row, text, there in told]


@dataclass
class MixedCollator:
    """Posts of words and a picture, either of which may be missing."""

    pictures: PictureTensors
    text: TextCollator

    def __call__(self, examples: list[Example], generator: torch.Generator) -> dict[str, Any]:
        """Build what the picture and the text collator build, and `has_picture`, `has_text`."""
        pictures, there = self.pictures(examples)
        return {**self.text(examples, generator), "pictures": pictures, "has_picture": there}

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Say what each example of a batch is, and what it lacks."""
        size, rows = list(batch["pictures"].shape[-2:]), self.text.decode(batch)
        for row, there in zip(rows, batch["has_picture"].tolist(), strict=True):
            row["picture"] = size if there else None
            row["missing"] = [name for name in ("text", "picture") if row[name] is None]
        return rows


def _named(examples: Sequence[Example]) -> dict[str, Any]:
    labels = torch.tensor([example.number for example in examples])
    return {"ids": [example.id for example in examples], "labels": labels}


def _told(batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    pairs = zip(batch["ids"], batch["labels"].tolist(), strict=True)
    return [{"id": id_, "label": label} for id_, label in pairs]
