"""Reads pictures with a trained MemeTector network: a `Detector` that gives a score and a heat map.

Mechanism and source are in `alciato.nets.memetector`; `alciato learn reader --strategy memetector` trains one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from PIL import Image as Pictures

from alciato.errors import UsageError
from alciato.item import Finding
from alciato.models import Runtime
from alciato.models.trained import Trained
from alciato.nets.memetector import MemeDetector, MemeDetectorConfig
from alciato.nets.pictures import picture_tensor

MEME = ("meme", "macro")
"""Names that the class of memes may have in the data."""


class MemePictureDetector:
    """`trained:FOLDER` as a `Detector`: one finding a picture, `meme` with its score and its heat map."""

    def __init__(self, model: MemeDetector, meme: int, name: str, fingerprint: str) -> None:
        """Wrap a network in evaluation mode; `meme` is the number of the class of memes."""
        self.name, self.fingerprint = name, fingerprint
        self._model, self._meme = model, meme

    @classmethod
    def of_trained(cls, trained: Trained, runtime: Runtime) -> Self:
        """Build the detector from its folder."""
        del runtime  # it loads no other model
        model = trained.fill(MemeDetector(MemeDetectorConfig.model_validate(trained.settings)))
        return cls(model, meme_class(trained.classes), trained.name, trained.fingerprint)

    def detect(self, picture: Pictures.Image) -> list[Finding]:
        """Return one finding `meme` with its score, 0..1, and its heat map (rows of patches that sum to 1)."""
        with torch.inference_mode():
            found = self._model.classify(picture_tensor(picture, self._model.config.vision.size)[None])
        score = float(found.logits.softmax(-1)[0, self._meme])
        return [Finding(label="meme", confidence=score, heat=None if found.heat is None else _rows(found.heat[0]))]


def meme_class(classes: Sequence[str]) -> int:
    """Return the number of the class of memes. Raises `UsageError` unless there are two classes, one of them memes."""
    named = [number for number, name in enumerate(classes) if name.lower() in MEME]
    if len(classes) != 2 or len(named) != 1:
        known = ", ".join(repr(name) for name in classes)
        raise UsageError(f"the classes are {known}.", remedy="Label posts `meme` (or `macro`) and `plain`.")
    return named[0]


def _rows(heat: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(value, 6) for value in row) for row in heat.tolist())
