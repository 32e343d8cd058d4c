"""How well a passage answers a question: nearness above what chance gives, and words in common.

Cosines of text encoders have no zero: with multilingual-e5-small unrelated texts have about 0.75, and more where
they share language or style. What counts is how far a passage stands above sentences of everyday life that have
nothing to do with the question:

    nearness(q, p) = cos(q, p) - mean of the 8 highest cos(q, e), over the everyday sentences e
    support(q, p) = nearness(q, p) + SHARED * share of the question's weighty words that p has too

The weight of a word is its rarity, `8 - zipf frequency` (wordfreq), so that `who` and `the` weigh little.
Calibrated on 24 questions that the demo's posts answer and 16 that they do not; `tests/ask` holds the figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from alciato.models import Encoder

NEAREST = 8
"""Everyday sentences, nearest first, that say what chance gives."""
SHARED = 0.06
HELD = 0.047
"""Support from which a passage counts as an answer."""
COMMON = 5.6
"""Zipf frequency from which a word says nothing of the matter: who, the, what, is."""


class Judge:
    """Measures passages against one question."""

    def __init__(self, question: str, encoder: Encoder, language: str = "en") -> None:
        self.question, self.encoder, self.language = question, encoder, language
        self._query = encoder.encode([question], "query")[0]
        by_chance = np.sort(_everyday(encoder) @ self._query)
        self._chance = float(by_chance[-NEAREST:].mean())
        self._words = _weights(question, language)

    def support(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the support of each text, shape (texts,); about 0 for what is unrelated, 0.05 and more for an answer."""
        if not texts:
            return np.zeros(0, np.float32)
        near = self.nearness(texts)
        shared = np.array([self._shared(text) for text in texts], np.float32)
        return np.asarray(near + SHARED * shared, np.float32)

    def nearness(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give how far each text is above chance, shape (texts,)."""
        return np.asarray(self.encoder.encode(list(texts)) @ self._query - self._chance, np.float32)

    def _shared(self, text: str) -> float:
        """Share of the question's weighty words that the text has too, 0..1; endings may differ."""
        total = sum(self._words.values())
        if not total:
            return 0.0
        here = words(text)
        return sum(weight for word, weight in self._words.items() if any(same(word, other) for other in here)) / total


def words(text: str) -> list[str]:
    """Words and numbers, small letters; marks above and below letters stay with them."""
    return re.findall(r"[^\W_]+(?:[\u0300-\u036f\u0900-\u0dff]+[^\W_]*)*", text.casefold())


def same(one: str, other: str) -> bool:
    """Whether two words are the same but for their ending: all but two letters of the shorter, four at least."""
    stem = max(4, min(len(one), len(other)) - 2)
    return one == other or (len(one) >= 5 and len(other) >= 5 and one[:stem] == other[:stem])


def _weights(question: str, language: str) -> dict[str, float]:
    from wordfreq import zipf_frequency

    known = language if language in _languages() else "en"
    frequencies = {word: zipf_frequency(word, known) for word in words(question)}
    return {word: 8 - frequency for word, frequency in frequencies.items() if frequency < COMMON}


@cache
def _languages() -> frozenset[str]:
    from wordfreq import available_languages

    return frozenset(available_languages())


_VECTORS: dict[str, NDArray[np.float32]] = {}


def _everyday(encoder: Encoder) -> NDArray[np.float32]:
    """Vectors of the everyday sentences, encoded once a process for each encoder."""
    key = f"{encoder.name} {encoder.fingerprint}"
    if key not in _VECTORS:
        text = files("alciato.ask").joinpath("data", "everyday.txt").read_text(encoding="utf-8")
        _VECTORS[key] = encoder.encode([line for line in text.splitlines() if line.strip()])
    return _VECTORS[key]
