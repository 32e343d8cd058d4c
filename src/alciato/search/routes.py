"""The routes by which a segment can match: words, parts of words, meaning, copies, looks.

Each takes what is looked for and gives a ranking of segments, best first. None knows of the others; fusion joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alciato.duplicates.neighbours import neighbours
from alciato.models import Encoder, Picture
from alciato.search.filters import filter_error
from alciato.search.words import folded
from alciato.store import Collection
from alciato.store.tables import sql_list

Row = Mapping[str, Any]
Floats = NDArray[np.float32]

SHOWN = ["id", "item", "part", "kind", "text", "box", "start", "end", "source"]
LEAST_PART = 3
"""Letters of the shortest part of a word that can be looked for."""
LIKE = 0.8
"""How like a part of a text must be to the word looked for, 0..1; 1 is the same letters."""


@dataclass(frozen=True, eq=False)
class Match:
    """A segment that matched: its row, and how well."""

    row: Row
    score: float | None = None
    distance: int | None = None
    word: str | None = None  # of the query, found as a part of another


@dataclass(frozen=True, eq=False)
class Ranking:
    """What one route found, best first."""

    route: str
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Scope:
    """Where the routes look: the collection, a checked filter, the depth."""

    collection: Collection
    where: str | None = None
    depth: int = 30

    @property
    def segments(self) -> Any:
        """The table of segments."""
        return self.collection.table("segments")

    def rows(self, query: Any, *further: str) -> list[Row]:
        """Run a query of the store within the scope, and bring further columns than those that are shown.

        Raises `UsageError` for a filter that it cannot follow.
        """
        query = query.where(self.where, prefilter=True) if self.where else query
        columns = [*SHOWN, *further]
        try:
            return _rows(query.select(columns).limit(self.depth).to_arrow())
        except (ValueError, RuntimeError) as error:
            if self.where is None:
                raise
            raise filter_error(self.where, error) from error


def _rows(found: Any) -> list[Row]:
    """Rows as dictionaries; vectors stay arrays, since a list of its numbers costs more than the query."""
    if "vector" not in found.schema.names:
        return list(found.to_pylist())
    column = found["vector"].combine_chunks()
    size = column.type.list_size
    start = column.offset * size
    numbers = np.asarray(column.values, dtype=np.float32)[start : start + len(column) * size]
    vectors = numbers.reshape(len(column), size)
    rows = found.drop_columns(["vector"]).to_pylist()
    return [{**row, "vector": vector} for row, vector in zip(rows, vectors, strict=True)]


def by_words(scope: Scope, words: str) -> Ranking:
    """BM25 over the words of every segment, as they were read and as they were respaced."""
    from lancedb.query import MatchQuery

    rows = scope.rows(scope.segments.search(MatchQuery(words, "words"), query_type="fts"), "_score")
    return Ranking("words", tuple(Match(row, row["_score"]) for row in rows))


def by_parts(scope: Scope, words: Iterable[str]) -> Ranking:
    """Texts that hold one of the words inside another word, or nearly: `captain` in `THECAPTAINS` or `CAPTIAN`."""
    from lancedb.query import MatchQuery

    best: dict[str, Match] = {}
    for word in words:
        if len(word) < LEAST_PART:
            continue
        for row in scope.rows(scope.segments.search(MatchQuery(word, "grams"), query_type="fts"), "_score"):
            score = likeness_of_part(word, row["text"])
            if score >= LIKE and score > (best[row["id"]].score or 0 if row["id"] in best else 0):
                best[row["id"]] = Match(row, score, word=word)
    ranked = sorted(best.values(), key=lambda match: (-(match.score or 0), match.row["id"]))
    return Ranking("parts of words", tuple(ranked))


def likeness_of_part(word: str, text: str) -> float:
    """How like the likest stretch of a text is to a word, 0..1; spaces and case do not count."""
    flat = "".join(folded(text).split())
    if word in flat:
        return 1.0
    matcher = SequenceMatcher(None, flat, word, autojunk=False)
    block = matcher.find_longest_match()
    if block.size < LEAST_PART:
        return 0.0
    start = max(0, block.a - block.b)
    matcher.set_seq1(flat[start : start + len(word)])
    return matcher.ratio()


def by_meaning(scope: Scope, embeddings: Any, query: Floats, route: str = "meaning") -> Ranking:
    """Cosine of the query's vector and each segment's in a table of embeddings; rows bring their vector."""
    search = embeddings.search(query, vector_column_name="vector", query_type="vector").distance_type("cosine")
    rows = scope.rows(search, "vector", "_distance")
    return Ranking(route, tuple(Match(row, 1 - row["_distance"]) for row in rows))


def by_looks(scope: Scope, embeddings: Any, encoder: Encoder, query: str | Picture) -> Ranking:
    """Cosine in the space that pictures and words share."""
    return by_meaning(scope, embeddings, encoder.encode([query], role="query").dense[0], "looks")


def vectors_of(embeddings: Any, ids: Iterable[str]) -> dict[str, Floats]:
    """Vectors (dimension,) of segments by id, of those that have one."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = embeddings.search().where(f"id in {sql_list(wanted)}").select(["id", "vector"]).limit(len(wanted))
    return {row["id"]: row["vector"] for row in _rows(query.to_arrow())}


def by_copy(scope: Scope, views: NDArray[np.uint8], most: int) -> Ranking:
    """Pictures and frames whose perceptual hash is within `most` bits of one of the views (n, 32), nearest first.

    The first view is the picture itself: the distance that is told is to it, the order is by the nearest view.
    """
    where = "pdq is not null" + (f" and ({scope.where})" if scope.where else "")
    try:
        table = scope.segments.search().where(where).select(["id", "pdq"]).limit(None).to_arrow()
    except (ValueError, RuntimeError) as error:
        if scope.where is None:
            raise
        raise filter_error(scope.where, error) from error
    hashes = np.frombuffer(b"".join(table["pdq"].to_pylist()), dtype=np.uint8).reshape(-1, 32)
    found = neighbours(views, hashes, most)
    order = np.lexsort((found.columns, found.distances))
    nearest = list(dict.fromkeys(found.columns[order].tolist()))[: scope.depth]
    ids = table["id"].take(pa.array(nearest, pa.int64())).to_pylist()
    rows = {row["id"]: row for row in rows_of(scope, ids)}
    distances = np.bitwise_count(hashes[nearest] ^ views[0]).sum(-1).tolist() if nearest else []
    pairs = zip(ids, distances, strict=True)
    return Ranking("copy", tuple(Match(rows[id_], distance=distance) for id_, distance in pairs))


def rows_of(scope: Scope, ids: list[str]) -> list[Row]:
    """Fetch segments by id."""
    if not ids:
        return []
    query = scope.segments.search().where(f"id in {sql_list(ids)}").select(SHOWN).limit(len(ids))
    return list(query.to_arrow().to_pylist())
