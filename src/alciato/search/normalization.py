"""Z-norm: the similarity of a passage and a question in units of the passage's own null distribution.

Source: score normalization of speaker verification (Li and Porter, ICASSP 1988; Auckenthaler, Carey and Lloyd-Thomas,
Digital Signal Processing 10, 2000). The cohort are background questions, 108 in twelve languages on matters of all
kinds (`data/background_questions.txt`):

    z(q, p) = (similarity(q, p) - mean_b similarity(b, p)) / std_b similarity(b, p),  b in the cohort

Some passages, such as "MEMES MEMES EVERYWHERE", are similar to every question (hubs): their mean is high. Passages in
another language than most of the cohort are similar to none: their mean is low. Z-norm makes both comparable.

Threshold. For each background question the best z that a passage of the collection reaches is taken; b itself is left
out of mean and standard deviation. These are the null distribution, and the threshold for a false-positive rate r is
its quantile at 1 - r. The passages are the segments as they were encoded (of a large collection those that the dense
retriever finds for a background question) together with the sentences that are scored, since a sentence is shorter
than a segment and there are more of them. So each encoder and each collection has a threshold of its own, in which no
question with a known answer takes part; the rates are chosen by the callers.

Use it for single sentences; `alciato.search.calibration` has the threshold of whole posts, with overlap of terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from alciato.files import write_cached
from alciato.models import Encoder, Runtime, default_runtime
from alciato.models.vector_cache import cached_vectors, loaded_array
from alciato.search.calibration import (
    EXHAUSTIVE,
    Floats,
    Isotropy,
    all_segments,
    background_vectors,
    calibration_for,
    calibration_path,
    data_lines,
)
from alciato.search.retrieval import SearchContext
from alciato.store import Collection


class PassageScores(NamedTuple):
    """The z of each passage (n,), and the best z of each background question (questions,)."""

    scores: Floats
    null: Floats

    def min_score(self, rate: float) -> float:
        """The threshold: the best z that a share `rate` of unrelated questions reach."""
        return float(np.quantile(self.null, 1 - rate, method="higher"))


@dataclass(frozen=True, eq=False)
class ZNorm:
    """The cohort (questions, dimension), and the best z of each of its questions in a collection (questions,)."""

    isotropy: Isotropy
    cohort: Floats
    null: Floats

    def score(self, question: Floats, passages: Floats) -> PassageScores:
        """Score passages (n, dimension) for a question (dimension,); about 0 is a passage that does not answer."""
        against = self.isotropy.similarities(self.cohort, passages)  # (questions, n)
        centred = self.isotropy.similarity(question, passages) - against.mean(0)
        scores = np.asarray(centred / np.maximum(against.std(0, ddof=1), _LEAST_SPREAD), dtype=np.float32)
        return PassageScores(scores, np.maximum(self.null, null_maxima(against)))


_LEAST_SPREAD = 1e-6


def z_norm_of(collection: Collection, encoder: Encoder, *, runtime: Runtime | None = None) -> ZNorm:
    """The Z-norm of an encoder on a collection; its null distribution is kept on disk with the calibration's."""
    context = SearchContext(collection, runtime or default_runtime())
    calibration = calibration_for(context, encoder)
    questions = background_questions()
    cohort = cached_vectors(encoder, context.runtime.settings, "background-questions", questions, "query")
    place = calibration_path(context, encoder)
    asked = hashlib.sha256("\n".join(questions).encode()).hexdigest()[:8]
    path = place.with_name(f"{place.stem}-{calibration.segments}-{asked}.npy")
    null = loaded_array(path)
    if null is None:
        passages = _passages(context, encoder, cohort, calibration.segments)
        null = null_maxima(calibration.isotropy.similarities(cohort, passages))
        write_cached(path, "the calibration of answers", lambda file: np.save(file, null))
    return ZNorm(calibration.isotropy, cohort, null)


def null_maxima(similarities: Floats) -> Floats:
    """The best z of each question of the cohort: (questions,), of similarities (questions, passages), one at least.

    Mean and standard deviation are those of the other questions: a question is no part of its own null distribution.
    """
    values = similarities.astype(np.float64)
    others = len(values) - 1
    mean = (values.sum(0) - values) / others
    squares = ((values**2).sum(0) - values**2) - others * mean**2
    spread = np.sqrt(np.maximum(squares, 0.0) / (others - 1))
    z = (values - mean) / np.maximum(spread, _LEAST_SPREAD)
    return np.asarray(z.max(axis=1), dtype=np.float32)


@cache
def background_questions() -> Sequence[str]:
    """The cohort: 108 questions in twelve languages on matters of all kinds."""
    return data_lines("background_questions.txt")


def _passages(context: SearchContext, encoder: Encoder, cohort: Floats, count: int) -> Floats:
    """Vectors (n, dimension) of the segments, of those near the cohort if many; the background corpus if none."""
    from alciato.search.retrievers import dense_matches

    if count == 0:
        return background_vectors(encoder, context.runtime)[0]
    if count <= EXHAUSTIVE:
        return all_segments(context, encoder)[1]
    near = {m.row["id"]: m.vector for one in cohort for m in dense_matches(context, encoder, one)}
    return np.stack([vector for vector in near.values() if vector is not None])
