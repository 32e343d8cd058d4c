"""How well a passage answers a question: nearness above what chance gives, and words in common.

    support(q, p) = likeness(q, p) + TERM_OVERLAP_WEIGHT * share of the question's weighty words that p holds too

The likeness is that of search (`alciato.search.calibration`): a cosine in which unrelated texts have about 0. Search
finds posts; here single sentences of these posts are measured, which is stricter. `HELD` was calibrated on 24
questions that the demo's posts answer and 16 that they do not (`tests/ask/questions.yaml`): 21 of the 24 are
answered, none of the 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alciato.models import Encoder
from alciato.search.calibration import Isotropy
from alciato.search.terms import term_weights, weighted_overlap

TERM_OVERLAP_WEIGHT = 0.12
"""Weight of the term overlap beside the similarity; fitted together with `HELD`."""
HELD = 0.28
"""Support from which a sentence counts as an answer."""


@dataclass
class Measure:
    """Measures passages against one question."""

    question: str
    encoder: Encoder
    space: Isotropy
    _query: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self._query = self.encoder.encode([self.question], role="query").dense[0]

    def support(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the support of each text, shape (texts,); about 0 for what is unrelated, up to 1.1 for the same."""
        if not texts:
            return np.zeros(0, np.float32)
        weights = term_weights(self.question)
        held = np.array([weighted_overlap(weights, text) for text in texts], np.float32)
        return np.asarray(self.likeness(texts) + TERM_OVERLAP_WEIGHT * held, np.float32)

    def likeness(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the likeness of each text, shape (texts,), -1..1."""
        return self.space.similarity(self._query, self.encoder.encode(list(texts)).dense)
