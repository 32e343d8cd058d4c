"""Answers by quoting: the sentences of the posts that answer best, word for word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alciato.ask.citations import Numbering, Passage
from alciato.ask.reply import Reply, Sentence
from alciato.ask.support import HELD, Measure

MOST = 3
"""Sentences of an answer at most."""
CLOSE = 0.6
"""A further sentence must have this share of the best one's support."""


def best_passages(measure: Measure, found: Sequence[Passage], most: int = MOST) -> list[Passage]:
    """Choose the passages that answer, best first; none where the best one does not reach `HELD`."""
    supports = measure.support([passage.text for passage in found])
    order = np.argsort(-supports, kind="stable")
    if not len(order) or supports[order[0]] < HELD:
        return []
    least = max(HELD, CLOSE * float(supports[order[0]]))
    return [found[place] for place in order[:most] if supports[place] >= least]


def extract(question: str, chosen: Sequence[Passage], numbering: Numbering, model: str) -> Reply:
    """Make an answer of the chosen passages."""
    sentences = tuple(Sentence(text=passage.text, citations=numbering.cite(passage)) for passage in chosen)
    return Reply(
        question=question,
        found=bool(sentences),
        sentences=sentences,
        citations=tuple(numbering.citations),
        model=f"extract with {model}",
    )
