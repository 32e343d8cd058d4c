"""Collates posts with a picture into batches.

A batch has `ids` (list), `labels` (batch,) int64, and `pictures` (batch, 3, size, size) float32, normalised.
`decode(batch)` describes a batch for people, as `--dry-run` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alciato.errors import AlciatoError
from alciato.learn.examples import TrainingExample
from alciato.nets.pictures import HALF, normalised, resized

CACHED = 512 * 2**20
"""Limit on the bytes of resized pictures that a collator caches."""


@dataclass
class PictureTensors:
    """Converts pictures of examples to tensors; resized pictures are cached."""

    size: int
    mean: Sequence[float] = HALF
    std: Sequence[float] = HALF
    _known: dict[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False)

    def __call__(self, examples: Sequence[TrainingExample]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pictures (batch, 3, size, size), stretched to a square, and whether each is present (batch,)."""
        out = torch.zeros(len(examples), 3, self.size, self.size)
        there = torch.zeros(len(examples), dtype=torch.bool)
        for row, example in enumerate(examples):
            if example.image is not None:
                out[row], there[row] = normalised(self._pixels(example), self.mean, self.std), True
        return out, there

    def _pixels(self, example: TrainingExample) -> NDArray[np.uint8]:
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
    """Collates posts with a picture. A post without one is an error: filter first."""

    pictures: PictureTensors

    def __call__(self, examples: list[TrainingExample], generator: torch.Generator) -> dict[str, Any]:
        """Make a batch: `ids`, `labels`, `pictures`."""
        del generator
        pictures, there = self.pictures(examples)
        if not bool(there.all()):
            missing = examples[int((~there).nonzero()[0])].id
            raise AlciatoError(f"the post {missing} has no picture.", remedy="Leave it out.")
        return {**_named(examples), "pictures": pictures}

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Describe each example of a batch."""
        size = list(batch["pictures"].shape[-2:])
        return [row | {"picture": size} for row in _told(batch)]


def _named(examples: Sequence[TrainingExample]) -> dict[str, Any]:
    labels = torch.tensor([example.number for example in examples])
    return {"ids": [example.id for example in examples], "labels": labels}


def _told(batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    pairs = zip(batch["ids"], batch["labels"].tolist(), strict=True)
    return [{"id": id_, "label": label} for id_, label in pairs]
