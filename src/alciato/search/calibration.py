"""Calibration of an encoder on a collection: isotropy correction, and the relevance threshold from a null distribution.

Cosines of text encoders have no zero: with multilingual-e5-small unrelated texts have about 0.75, more where they
share language or style, and related ones 0.80 to 0.92. Isotropy correction (all-but-the-top; Mu and Viswanath,
ICLR 2018, arXiv 1702.01417) removes the mean and the top 3 principal components, so that unrelated texts have a
similarity near 0:

    similarity(q, d) = cos(P(q - mean of queries), P(d - mean of texts)),  P = I - W^T W

with W the first 3 principal directions of a background corpus together with a sample of the collection.

Threshold. A query's relevance score is the best, over the retrieved segments, of

    score(q, d) = similarity(q, d) + w * overlap(q, d)

where overlap is the share of the query's term weight that the text holds. Background queries, 162 in twelve languages
on matters of all kinds (`data/background_queries.json`), are run on the collection: their best scores are the
null distribution. The threshold for a false-positive rate r is its quantile at 1 - r. The weight w is
the ratio of the spreads (standard deviations) of best similarity and best overlap in the null distribution, so that
neither dominates. Thresholds and weights are learned without queries that have known answers; the constants below, the
rate among them, were chosen with the demo's queries in view. The null distribution is kept on disk by
collection and encoder fingerprint, and is made anew when the collection has grown or shrunk by a quarter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from alciato.files import write_cached
from alciato.models import Encoder, Runtime, default_runtime
from alciato.models.vector_cache import DAMAGED, cached_vectors
from alciato.search.retrieval import Query, RankedList, RetrievedSegment, SearchContext
from alciato.search.terms import SHORTEST_PART, STEM, folded, same, terms_of, weighted_overlap
from alciato.settings import FALSE_POSITIVE_RATE
from alciato.store import Collection

Floats = NDArray[np.float32]

DIRECTIONS = 3
"""Principal components that isotropy correction removes."""
SAMPLE = 2_000
"""Vectors of the collection that isotropy correction is learned on."""
DEPTH = 30
"""Segments that a retriever gives for a background query, and for any query at least."""
MIN_OVERLAP = 1 / 3
"""Share of the query's term weight that a text must hold for its BM25 rank to count: one common term misleads."""
EXHAUSTIVE = 20_000
"""Segments up to which the null distribution is computed in memory over all of them; above, by retrieval."""
GROWTH = 0.25
"""Change of the number of segments, as a share, from which a calibration is made anew."""
MIN_TERM_SHARE = 0.5
"""Share of a query's term weight that a text must hold where there are no embeddings: more than half of it."""
LEXICAL_AND_DENSE = ("bm25", "trigram", "dense")
"""Retrievers that background queries are run through: those whose lists the threshold applies to."""


class Isotropy(NamedTuple):
    """Means (dimension,) of texts and of queries, and the directions (directions, dimension) that are removed."""

    texts: Floats
    queries: Floats
    directions: Floats

    def similarity(self, query: Floats, texts: Floats) -> Floats:
        """Cosines (n,), -1..1, of one query (dimension,) and texts (n, dimension); near 0 for unrelated ones."""
        return np.asarray(self.similarities(query[None], texts)[0])

    def similarities(self, queries: Floats, texts: Floats) -> Floats:
        """Cosines (m, n) of queries (m, dimension) and texts (n, dimension)."""
        left = _corrected(queries - self.queries, self.directions)
        return np.asarray(left @ _corrected(texts - self.texts, self.directions).T, dtype=np.float32)


def isotropy_of(texts: Floats, queries: Floats) -> Isotropy:
    """Learn the correction from vectors of texts (n, dimension) and of queries (m, dimension) that are unrelated."""
    mean, asked = texts.mean(0), queries.mean(0)
    return Isotropy(mean, asked, principal_directions(np.concatenate([texts - mean, queries - asked]), DIRECTIONS))


def principal_directions(vectors: Floats, count: int) -> Floats:
    """Principal directions (count, dimension) of centred vectors (n, dimension), by subspace iteration.

    Only the leading ones are needed: a whole decomposition takes seconds where many threads want the cores.
    """
    spread = (vectors.T @ vectors).astype(np.float64)  # (dimension, dimension): far smaller than the vectors
    spread /= max(float(np.trace(spread)), 1e-12)
    block = np.random.default_rng(7).normal(size=(len(spread), min(len(spread), count + 29)))
    for _ in range(12):
        block, _ = np.linalg.qr(spread @ block)
    values, within = np.linalg.eigh(block.T @ spread @ block)  # in ascending order
    leading = block @ within[:, np.argsort(-values)[:count]]  # (dimension, count)
    return np.ascontiguousarray(leading.T, dtype=np.float32)


def _corrected(vectors: Floats, directions: Floats) -> Floats:
    """Remove the directions and scale to length 1."""
    left = vectors - (vectors @ directions.T) @ directions
    return np.asarray(left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9), dtype=np.float32)


@dataclass(frozen=True)
class Calibration:
    """What is known of an encoder on a collection of `segments` embeddings.

    `null` holds the best score of each background query, in ascending order.
    """

    isotropy: Isotropy
    term_overlap_weight: float
    null: Floats
    segments: int

    def min_score(self, rate: float = FALSE_POSITIVE_RATE) -> float:
        """The relevance threshold: the score that a share `rate` of unrelated queries reach."""
        return float(np.quantile(self.null, 1 - rate, method="higher"))

    def score(self, similarity: float, overlap: float) -> float:
        """Relevance score of a text: its similarity and its term overlap."""
        return similarity + self.term_overlap_weight * overlap


def threshold(
    collection: Collection, encoder: Encoder, rate: float = FALSE_POSITIVE_RATE, *, runtime: Runtime | None = None
) -> float:
    """The relevance score that a share `rate` of unrelated queries reach in this collection with this encoder."""
    return calibration_of(collection, encoder, runtime=runtime).min_score(rate)


def calibration_of(collection: Collection, encoder: Encoder, *, runtime: Runtime | None = None) -> Calibration:
    """The calibration of an encoder on a collection, learned if it is not known."""
    return calibration_for(SearchContext(collection, runtime or default_runtime()), encoder)


def isotropy_for(context: SearchContext, encoder: Encoder) -> Isotropy:
    """The isotropy correction of an encoder on the collection of a search."""
    return context.once(("isotropy", encoder.fingerprint), lambda: calibration_for(context, encoder).isotropy)


def calibration_for(context: SearchContext, encoder: Encoder) -> Calibration:
    """Return the calibration; learn it, or learn it anew where the collection has changed by a quarter."""
    return context.once(("calibration", encoder.fingerprint), lambda: _current(context, encoder))


def _current(context: SearchContext, encoder: Encoder) -> Calibration:
    key, count = (context.collection.uri, encoder.fingerprint), _count(context, encoder)
    with _learning:
        calibration = _known.get(key) or _loaded(calibration_path(context, encoder))
        if calibration is None or abs(count - calibration.segments) > GROWTH * calibration.segments:
            calibration = _learned(context, encoder, count)
            _save(calibration_path(context, encoder), calibration)
        _known[key] = calibration
        return calibration


_known: dict[tuple[str, str], Calibration] = {}
_learning = RLock()


def evidence(
    lists: Sequence[RankedList], weights: Mapping[str, float]
) -> list[tuple[RetrievedSegment, float | None, float]]:
    """Each match of ranked lists with its similarity and its overlap with the query's weighted terms.

    A segment that the dense list does not hold is at most as similar as the last of that list, and is given that
    similarity; it is None where there is no dense list.
    """
    known = {m.row["id"]: m.similarity for found in lists for m in found.matches if m.similarity is not None}
    floor = min(known.values(), default=None)
    return [
        (match, known.get(match.row["id"], floor), _overlap(match, weights))
        for found in lists
        for match in found.matches
    ]


def _overlap(match: RetrievedSegment, weights: Mapping[str, float]) -> float:
    share = weighted_overlap(weights, match.row["text"] or "")
    if match.term is None:
        return share
    return max(share, weights.get(match.term, 0.0) / sum(weights.values()))


def null_distribution(similarities: Floats, overlaps: Floats) -> tuple[float, Floats]:
    """Weight of the term overlap, and best scores of the background queries in ascending order.

    Shapes: similarities and overlaps (queries, segments), of what could be retrieved for each query.
    """
    spread = similarities.max(axis=1).std(), overlaps.max(axis=1).std()
    weight = float(np.clip(spread[0] / spread[1], 0.0, 1.0)) if spread[1] > 0 else 1.0
    return weight, np.sort((similarities + weight * overlaps).max(axis=1)).astype(np.float32)


def _learned(context: SearchContext, encoder: Encoder, count: int) -> Calibration:
    """Learn isotropy on the background corpus and a sample, then run the background queries on the collection."""
    runtime, asked = context.runtime, tuple(background_queries())
    corpus, queries = background_vectors(encoder, runtime)
    isotropy = isotropy_of(np.concatenate([corpus, _sample(context, encoder)]), queries)
    vectors = cached_vectors(encoder, runtime.settings, "background-queries", asked, "query")  # (queries, dimension)
    if count > EXHAUSTIVE:
        found = by_retrieval(context, encoder, isotropy, vectors)
    elif count:
        found = by_exhaustion(*all_segments(context, encoder), isotropy, vectors)
    else:
        found = by_exhaustion(background_texts(), corpus, isotropy, vectors)
    weight, null = null_distribution(*found)
    return Calibration(isotropy, weight, null, count)


def by_exhaustion(
    texts: Sequence[str], embeddings: Floats, isotropy: Isotropy, vectors: Floats, depth: int = DEPTH
) -> tuple[Floats, Floats]:
    """Similarities and overlaps (queries, segments) of the background queries and every segment, in memory.

    As in a search, only the `depth` segments nearest by cosine have a similarity of their own; others that hold enough
    terms to be retrieved are given the least of these, and what would not be retrieved is -1.
    """
    similarities = isotropy.similarities(vectors, embeddings)
    overlaps = term_overlaps(list(background_queries().values()), texts)
    cosines = vectors @ (embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)).T
    depth = min(depth, len(embeddings))
    nearest = cosines >= np.partition(cosines, -depth, axis=1)[:, [-depth]]  # (queries, segments)
    least = np.min(similarities, axis=1, where=nearest, initial=1.0, keepdims=True)
    by_terms = overlaps >= MIN_OVERLAP
    similarities = np.where(nearest, similarities, np.where(by_terms, least, -1.0))
    return similarities.astype(np.float32), np.where(nearest | by_terms, overlaps, 0.0).astype(np.float32)


def by_retrieval(
    context: SearchContext, encoder: Encoder, isotropy: Isotropy, vectors: Floats
) -> tuple[Floats, Floats]:
    """Similarities and overlaps (queries, matches) of what the retrievers find for each background query."""
    from alciato.search.retrieval import RETRIEVERS

    retrievers = [RETRIEVERS.get(name)() for name in LEXICAL_AND_DENSE]
    found: list[list[tuple[float, float]]] = []
    for (text, weights), vector in zip(background_queries().items(), vectors, strict=True):
        one, query = SearchContext(context.collection, context.runtime, depth=context.depth), Query(text)
        one.remember(("isotropy", encoder.fingerprint), isotropy)
        one.remember(("encoder", context.runtime.settings.models.encoder), encoder)
        one.remember(one.vector_key(encoder, query), vector)
        lists = [retriever.retrieve(query, one) for retriever in retrievers]
        found.append([(s, overlap) for _, s, overlap in evidence(lists, weights) if s is not None])
    padded = np.full((len(found), max(map(len, found)), 2), [-1.0, 0.0], dtype=np.float32)
    for place, pairs in enumerate(found):
        padded[place, : len(pairs)] = np.array(pairs, dtype=np.float32).reshape(-1, 2)
    return padded[..., 0], padded[..., 1]


def term_overlaps(weights: Sequence[Mapping[str, float]], texts: Sequence[str]) -> Floats:
    """Overlap (queries, texts) of the weighted terms of queries with texts; as parts of words where no text has them.

    Equals `weighted_overlap` for each pair, but for the parts of words.
    """
    numbers = {term: number for number, term in enumerate(sorted({term for each in weights for term in each}))}
    shares = np.zeros((len(weights), len(numbers)), dtype=np.float32)  # (queries, terms)
    for place, each in enumerate(weights):
        total = sum(each.values())
        for term, weight in each.items():
            shares[place, numbers[term]] = weight / total
    held = np.zeros((len(numbers), len(texts)), dtype=np.float32)  # (terms, texts)
    beginnings: dict[str, list[str]] = {}
    for term in numbers:
        beginnings.setdefault(term[:STEM], []).append(term)
    for place, text in enumerate(texts):
        for word in set(terms_of(text)):
            for term in beginnings.get(word[:STEM], ()):
                if same(term, word):
                    held[numbers[term], place] = 1
    flat = ["".join(folded(text).split()) for text in texts]
    for term, number in numbers.items():
        if len(term) >= SHORTEST_PART and not held[number].any():
            held[number] = [term in text for text in flat]
    return np.asarray(shares @ held, dtype=np.float32)


def _count(context: SearchContext, encoder: Encoder) -> int:
    embeddings = context.collection.embeddings(encoder.fingerprint)
    return 0 if embeddings is None else int(embeddings.count_rows())


def all_segments(context: SearchContext, encoder: Encoder) -> tuple[list[str], Floats]:
    """Texts and vectors (n, dimension) of all segments that an encoder has encoded."""
    embeddings: Any = context.collection.embeddings(encoder.fingerprint)
    table = embeddings.search().select(["text", "vector"]).limit(None).to_arrow()
    column = table["vector"].combine_chunks()
    vectors = np.asarray(column.flatten(), dtype=np.float32).reshape(len(column), encoder.dimension)
    return [text or "" for text in table["text"].to_pylist()], vectors


def _sample(context: SearchContext, encoder: Encoder) -> Floats:
    """Vectors of the first segments: (n, dimension)."""
    embeddings = context.collection.embeddings(encoder.fingerprint)
    if embeddings is None:
        return np.zeros((0, encoder.dimension), np.float32)
    column = embeddings.search().select(["vector"]).limit(SAMPLE).to_arrow()["vector"].combine_chunks()
    return np.asarray(column.flatten(), dtype=np.float32).reshape(len(column), encoder.dimension)


@cache
def background_texts() -> Sequence[str]:
    """The background corpus: sixty sentences in twelve languages about nothing in particular."""
    return data_lines("background_texts.txt")


@cache
def background_queries() -> Mapping[str, Mapping[str, float]]:
    """Queries of one to eight words in twelve languages, on matters of all kinds, with their term weights.

    The weights are kept with the queries, since the frequencies of twelve languages take seconds to load.
    """
    text = (files("alciato.search") / "data" / "background_queries.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, float]]", json.loads(text))


def data_lines(name: str) -> Sequence[str]:
    """The lines of a file of background texts that comes with the package."""
    text = (files("alciato.search") / "data" / name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)


def background_vectors(encoder: Encoder, runtime: Runtime) -> tuple[Floats, Floats]:
    """Vectors of the background corpus as texts and as queries, kept on disk by the encoder's fingerprint."""
    lines, settings = background_texts(), runtime.settings
    texts = cached_vectors(encoder, settings, "background-texts", lines, "document")
    return texts, cached_vectors(encoder, settings, "background-texts", lines, "query")


def calibration_path(context: SearchContext, encoder: Encoder) -> Path:
    """File of a calibration: it names collection, encoder and background queries by their hash."""
    parts = (context.collection.uri, encoder.name, encoder.fingerprint, *background_queries(), *background_texts())
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    return Path(context.runtime.settings.cache).expanduser() / "calibrations" / f"{key}.npz"


def _loaded(path: Path) -> Calibration | None:
    """Read a kept calibration; one that is damaged is learned anew."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            isotropy = Isotropy(kept["texts"], kept["queries"], kept["directions"])
            return Calibration(isotropy, float(kept["weight"]), kept["null"], int(kept["segments"]))
    except DAMAGED:
        return None


def _save(path: Path, calibration: Calibration) -> None:
    arrays: dict[str, Any] = {
        **calibration.isotropy._asdict(),
        "weight": calibration.term_overlap_weight,
        "null": calibration.null,
        "segments": calibration.segments,
    }
    write_cached(path, "the calibration of search", lambda file: np.savez(file, **arrays))
