"""What chance gives: a space in which unrelated texts have a cosine of about 0, learned on the collection.

Cosines of text encoders have no zero: with multilingual-e5-small unrelated texts have about 0.75, more where they
share language or style, and related ones 0.80 to 0.92. So the vectors are laid around their mean, and the
directions that all texts share are taken out (all-but-the-top; Mu and Viswanath, ICLR 2018, arXiv 1702.01417):

    likeness(q, d) = cos(P(q - mean of queries), P(d - mean of texts)),  P = I - W^T W

with W the first 3 principal directions of everyday sentences together with a sample of the collection. Everyday
sentences keep the space wide where a collection speaks of one matter only; encoded as queries they give the mean
of queries. An answer is honest where likeness + 0.12 * share of the query's words in common reaches `CUT`.

Measured on the demo (seed 7) with multilingual-e5-small: of 55 queries that a post answers, 52 keep it among the first
ten (mean reciprocal rank 0.93); of 10 that nothing answers, 9 find nothing. The cut was set on these queries: this is
no blind test. The errors are near in matter: `football transfer news` finds a post on football training.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alciato.models import Encoder, Runtime

Floats = NDArray[np.float32]

DIRECTIONS = 3
SAMPLE = 2_000
"""Vectors of the collection that are looked at."""
FRESH = 300.0
"""Seconds for which a space is kept: a collection that grows is looked at again."""
SHARED = 0.12
"""What all of a query's words in common weigh beside the likeness."""
CUT = 0.29
"""Support from which a post counts as an answer; a lower one keeps more answers and lets more chance through."""
CUT_OF_A_WORD = 0.23
"""The cut of a query of one word: it says less, so all its likenesses are lower. Set by hand on some thirty words."""


class Space(NamedTuple):
    """Means (dimension,) of texts and of queries, directions taken out (directions, dimension)."""

    texts: Floats
    queries: Floats
    directions: Floats

    def likeness(self, query: Floats, texts: Floats) -> Floats:
        """Cosines, -1..1, of one query (dimension,) and texts (n, dimension); about 0 for what is unrelated."""
        left = _laid(query[None] - self.queries, self.directions)[0]
        return np.asarray(_laid(texts - self.texts, self.directions) @ left, dtype=np.float32)


def space_of(texts: Floats, queries: Floats) -> Space:
    """Learn a space from vectors of texts (n, dimension) and of queries (m, dimension) that are unrelated."""
    mean, asked = texts.mean(0), queries.mean(0)
    around = np.concatenate([texts - mean, queries - asked])
    spread = around.T @ around  # (dimension, dimension): far smaller than the vectors
    _, directions = np.linalg.eigh(spread.astype(np.float64))  # in ascending order
    return Space(mean, asked, np.ascontiguousarray(directions[:, : -DIRECTIONS - 1 : -1].T, dtype=np.float32))


def space_for(place: str, embeddings: Any, encoder: Encoder, runtime: Runtime) -> Space:
    """Give the space of a collection's embeddings, learned anew every few minutes; half a second the first time."""
    now = time.monotonic()
    learned = _learned.get((place, encoder.fingerprint))
    if learned is None or now - learned[0] > FRESH:
        texts, queries = everyday(encoder, runtime)
        learned = (now, space_of(np.concatenate([texts, _sample(embeddings, encoder.dimension)]), queries))
        _learned[place, encoder.fingerprint] = learned
    return learned[1]


_learned: dict[tuple[str, str], tuple[float, Space]] = {}


def _sample(embeddings: Any, dimension: int) -> Floats:
    """Vectors of the first segments: (n, dimension)."""
    rows = embeddings.search().select(["vector"]).limit(SAMPLE).to_arrow()
    flat = rows["vector"].combine_chunks()
    return (
        np.asarray(flat.flatten(), dtype=np.float32).reshape(-1, dimension)
        if len(flat)
        else np.zeros((0, dimension), np.float32)
    )


def everyday(encoder: Encoder, runtime: Runtime) -> tuple[Floats, Floats]:
    """Vectors of everyday sentences as texts and as queries, kept on disk by the encoder's fingerprint."""
    sentences = sentences_of_everyday()
    key = hashlib.sha256("\n".join((encoder.name, encoder.fingerprint, *sentences)).encode()).hexdigest()[:24]
    path = Path(runtime.settings.cache).expanduser() / "everyday" / f"{key}.npy"
    if path.exists():
        texts, queries = np.load(path, allow_pickle=False)
        return texts, queries
    both = np.stack([encoder.encode(sentences, role=role).dense for role in ("document", "query")])
    _keep(path, both)
    return both[0], both[1]


@cache
def sentences_of_everyday() -> Sequence[str]:
    """Sixty sentences in twelve languages about nothing in particular."""
    text = (files("alciato.search") / "data" / "everyday.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)


def _keep(path: Path, vectors: Floats) -> None:
    """Write whole or not at all: two processes may write at once."""
    import os

    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(f".{os.getpid()}.npy")
    np.save(waiting, vectors)
    waiting.replace(path)


def _laid(vectors: Floats, directions: Floats) -> Floats:
    """Take the directions out and give length 1."""
    left = vectors - (vectors @ directions.T) @ directions
    return np.asarray(left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9), dtype=np.float32)
