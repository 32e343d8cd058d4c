"""The retrievers over the store's own indexes: BM25, trigrams, dense vectors of texts, dense vectors of pictures.

Each takes a query and gives a ranked list of segments. None depends on another's result; fusion joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from alciato.models import Encoder
from alciato.registry import NoOptions
from alciato.search.calibration import MIN_OVERLAP, isotropy_for
from alciato.search.retrieval import (
    Input,
    Query,
    RankedList,
    RetrievalExample,
    RetrievedSegment,
    SearchContext,
)
from alciato.search.terms import SHORTEST_PART, part_similarity, term_weights, terms_of, weighted_overlap

MIN_PART_SIMILARITY = 0.8
"""Similarity from which a stretch of a text is taken for the word: two letters of ten inserted, deleted or swapped."""
MAX_PARTS = 3
"""Terms that no text holds and that are looked for inside words; the rarest ones."""
OUTLIER = 3.0
"""Standard deviations above the lower half of a ranked list from which a picture counts as a match."""
FEWEST_FOR_OUTLIERS = 10
"""Matches below which a spread says nothing, so that all are kept."""
_TEXT: frozenset[Input] = frozenset(["text"])


class Bm25:
    """BM25 over the words of every segment, as they were read and as they were respaced."""

    name: ClassVar[str] = "bm25"
    Options = NoOptions
    inputs: ClassVar[frozenset[Input]] = _TEXT
    examples: ClassVar[tuple[RetrievalExample, ...]] = (
        RetrievalExample({"a": "Marmalade on toast.", "b": "A green bicycle."}, "who ate the marmalade", "a"),
        RetrievalExample({"a": "El NIÑO come manzanas.", "b": "A green bicycle."}, "nino", "a"),
    )

    def retrieve(self, query: Query, context: SearchContext) -> RankedList:
        """Rank the segments that hold at least a third of the query's term weight."""
        weights = term_weights(query.text)
        found = bm25_matches(query.text, context)
        return RankedList(
            self.name,
            tuple(m for m in found if weighted_overlap(weights, m.row["text"] or "") >= MIN_OVERLAP),
        )


def bm25_matches(text: str, context: SearchContext) -> tuple[RetrievedSegment, ...]:
    """All matches of a full-text query over words, best first; one query of the store a search."""
    from lancedb.query import MatchQuery

    def run() -> tuple[RetrievedSegment, ...]:
        rows = context.rows(context.segments.search(MatchQuery(text, "words"), query_type="fts"), "_score")
        return tuple(RetrievedSegment(row, row["_score"]) for row in rows)

    return context.once(("bm25", text), run)


class Trigram:
    """Terms of the query that no text holds as a word, found inside other words or nearly: `captain`, `THECAPTAINS`."""

    name: ClassVar[str] = "trigram"
    Options = NoOptions
    inputs: ClassVar[frozenset[Input]] = _TEXT
    examples: ClassVar[tuple[RetrievalExample, ...]] = (
        RetrievalExample({"a": "LOOKATME IAM THECAPTAIN", "b": "A green bicycle."}, "captain", "a"),
        RetrievalExample({"a": "LOOKATME IAM THECAPTAIN", "b": "A green bicycle."}, "captian", "a"),
    )

    def retrieve(self, query: Query, context: SearchContext) -> RankedList:
        """Rank by the similarity of the term and the most similar stretch of the text."""
        best: dict[str, RetrievedSegment] = {}
        for term in self._missing(query.text, context):
            for row in _trigram_rows(term, context):
                score = part_similarity(term, row["text"] or "")
                known = best.get(row["id"])
                if score >= MIN_PART_SIMILARITY and (known is None or score > (known.score or 0)):
                    best[row["id"]] = RetrievedSegment(row, score, term=term)
        ranked = sorted(best.values(), key=lambda match: (-(match.score or 0), match.row["id"]))
        return RankedList(self.name, tuple(ranked))

    @staticmethod
    def _missing(text: str, context: SearchContext) -> Sequence[str]:
        """The rarest terms that no segment holds as a word.

        Where BM25 gave as many matches as were asked for, a term may stand further down: then only the rarest is in
        question, and one short query tells whether it stands anywhere.
        """
        found = bm25_matches(text, context)
        held = {term for match in found for term in terms_of(match.row["text"] or "")}
        weights = term_weights(text)
        missing = [term for term in sorted(weights, key=lambda term: (-weights[term], term)) if term not in held]
        missing = [term for term in missing if len(term) >= SHORTEST_PART][:MAX_PARTS]
        if missing and len(found) >= context.depth:
            one = replace(context, depth=1, memo={})
            missing = [] if bm25_matches(missing[0], one) else missing[:1]
        return missing


def _trigram_rows(term: str, context: SearchContext) -> list[dict[str, Any]]:
    from lancedb.query import MatchQuery

    return context.rows(context.segments.search(MatchQuery(term, "grams"), query_type="fts"), "_score")


class Dense:
    """Cosine of the query's vector and each segment's, ranked by similarity after isotropy correction."""

    name: ClassVar[str] = "dense"
    Options = NoOptions
    inputs: ClassVar[frozenset[Input]] = _TEXT
    examples: ClassVar[tuple[RetrievalExample, ...]] = (
        RetrievalExample(
            {"a": "Die Nachbarn bohren schon wieder am Sonntag.", "b": "I watered the plant every day and it died."},
            "the neighbours are drilling again",
            "a",
        ),
    )

    def retrieve(self, query: Query, context: SearchContext) -> RankedList:
        """Rank by the settings' text encoder; nothing where the collection has no embeddings by it."""
        encoder = context.text_encoder
        if encoder is None:
            return RankedList(self.name)
        vector = context.query_vector(encoder, query)
        matches = dense_matches(context, encoder, vector)
        if not matches:
            return RankedList(self.name)
        vectors = np.stack([match.vector for match in matches if match.vector is not None])  # (n, dimension)
        similarities = isotropy_for(context, encoder).similarity(vector, vectors).tolist()
        ranked = [replace(match, similarity=value) for match, value in zip(matches, similarities, strict=True)]
        return RankedList(self.name, tuple(sorted(ranked, key=lambda m: (-(m.similarity or 0), m.row["id"]))))


def dense_matches(context: SearchContext, encoder: Encoder, vector: np.ndarray[Any, Any]) -> list[RetrievedSegment]:
    """The segments nearest by cosine in an encoder's embeddings, each with its vector."""
    embeddings: Any = context.collection.embeddings(encoder.fingerprint)
    search = embeddings.search(vector, vector_column_name="vector", query_type="vector").distance_type("cosine")
    rows = context.rows(search, "vector", "_distance")
    return [RetrievedSegment(row, 1 - row["_distance"], vector=row.pop("vector")) for row in rows]


class ImageDense:
    """Cosine in a space that pictures and words share, of an image encoder; keeps the outliers."""

    name: ClassVar[str] = "image"
    Options = NoOptions
    inputs: ClassVar[frozenset[Input]] = frozenset(["text", "image"])
    examples: ClassVar[tuple[RetrievalExample, ...]] = ()

    def retrieve(self, query: Query, context: SearchContext) -> RankedList:
        """Rank pictures and frames; nothing where no image encoder is named or it cannot take the query."""
        encoder = context.image_encoder
        if encoder is None or ("image" if query.images else "text") not in encoder.modalities:
            return RankedList(self.name, thresholded=True)
        matches = dense_matches(context, encoder, context.query_vector(encoder, query))
        return RankedList(self.name, tuple(outliers(matches)), thresholded=True)


def outliers(matches: Sequence[RetrievedSegment]) -> list[RetrievedSegment]:
    """Keep the matches that are three standard deviations above the lower half of the list."""
    scores = np.array([match.score for match in matches], dtype=np.float64)
    if len(scores) < FEWEST_FOR_OUTLIERS:
        return list(matches)
    rest = scores[len(scores) // 2 :]
    least = rest.mean() + OUTLIER * rest.std()
    return [match for match in matches if (match.score or 0) >= least]
