"""Models as doubles: they read what the pictures say of themselves, and count how often they are asked."""

import os
import signal
import sys
from typing import ClassVar

import numpy as np

from alciato.item import Box, Finding
from alciato.models import Embeddings
from alciato.models.protocols import ModelInfo


class SizedOcr:
    """Reads a picture of w x h pixels as the words `w by h`; fails on pictures of a width that is told."""

    name, fingerprint = "double:sized", "1"

    def __init__(self, fails_at=None) -> None:
        self.asked, self.fails_at = 0, fails_at

    def recognise(self, picture):
        self.asked += 1
        if picture.width == self.fails_at:
            raise RuntimeError("the model fell over")
        text = f"{picture.width} by {picture.height}"
        return [Finding(text=text, box=Box(0, 0, picture.width, 10), confidence=0.9)]


class GivenOcr:
    """Gives the lines that it was given, one list a call."""

    name, fingerprint = "double:given", "1"

    def __init__(self, *answers: list) -> None:
        self.answers, self.seen = list(answers), []

    def recognise(self, picture):
        self.seen.append(picture.size)
        return self.answers.pop(0) if self.answers else []


class LettersEncoder:
    """A text as the counts of its letters; a picture as its mean colours."""

    name, fingerprint, dimension = "double:letters", "1", 26
    modalities = frozenset({"text", "image"})

    def encode(self, inputs, *, role="document", instruction=None):  # noqa: ARG002 - a letter is a letter in every role
        rows = [self._row(one) for one in inputs]
        vectors = np.array(rows, np.float32).reshape(len(rows), self.dimension)
        return Embeddings(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))

    def _row(self, one):
        if isinstance(one, str):
            return [one.lower().count(chr(97 + i)) + 0.01 for i in range(26)]
        return list(np.resize(np.asarray(one).mean((0, 1)) + 1, 26))


class KillerOcr(SizedOcr):
    """Ends its process at a picture of 65 pixels; in a worker only, not in the process of the tests."""

    name = "double:killer"

    def recognise(self, picture):
        if picture.width == 65 and multiprocessing_worker():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().recognise(picture)


def multiprocessing_worker():
    return "pytest" not in sys.modules


class Named:
    """What `load` finds under `double:…` while a test runs, and what it has loaded."""

    models: ClassVar[dict] = {}
    loaded: ClassVar[list] = []


MADE = {"letters": LettersEncoder, "ocr": SizedOcr, "killer": KillerOcr}
"""What there is in a worker process, where no test has named anything."""


def load_double(rest, kind, runtime):
    Named.loaded.append(rest)
    return _named(rest)


def describe(rest, kind, runtime, *, fetch=True):
    model = _named(rest)
    return ModelInfo(model.name, kind.__name__, model.fingerprint, getattr(model, "dimension", None))


def _named(rest):
    if rest not in Named.models:
        Named.models[rest] = MADE[rest]()
    return Named.models[rest]
