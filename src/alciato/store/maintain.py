"""Upkeep: indexes made as a collection grows, fragments merged, old versions dropped after a while.

LanceDB finds rows that no index holds yet by a scan, so upkeep decides speed, never what is found.
It runs within the work too: after every `WRITES` writes to a table, as long as it takes a small share of the time.
The full-text indexes exist from the first row; the vector index only pays above `VECTOR_ROWS`: below it
the exact scan is as fast, and finds everything.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alciato.store.embeddings import PREFIX as EMBEDDINGS
from alciato.store.status import fragments_of, indexes_of
from alciato.store.tables import DERIVED

if TYPE_CHECKING:
    from alciato.store.collection import Collection

FRAGMENTS = 16
"""A table with more data fragments than this is compacted."""
UNINDEXED = 0.1
"""A table with a larger share of rows outside an index is indexed again."""
VECTOR_ROWS = 50_000
WRITES = 32
"""Writes to a table after which it is compacted while the work goes on: each write leaves a fragment or two."""
SHARE = 0.1
"""Share of the time that upkeep within the work may take at most, so that a large table is compacted less often."""
KEEP_VERSIONS = timedelta(days=7)
_KEYS = {
    "items": "id",
    "media": "sha",
    "readings": "item",
    "segments": "item",
    "verdicts": "item",
    "features": "picture",
    "near_copy_keys": "key",
    "near_copy_pictures": "picture",
    "near_copies": "left",
}
"""The column of each table by which its rows are looked up."""


def maintain(collection: Collection, *, force: bool = False) -> None:
    """Compact and index the tables that need it; all of them with `force`."""
    there = collection.table_names()
    embeddings = {encoder.table: "id" for encoder in collection.encoders()}
    for name, key in {**_KEYS, **embeddings}.items():
        if name in DERIVED and name not in there:
            continue
        table = collection.table(name)
        if table.count_rows() == 0:
            continue
        _ensure_indexes(name, table, key)
        if force or fragments_of(table) > FRAGMENTS or _stale(name, table):
            table.optimize(cleanup_older_than=KEEP_VERSIONS)


class Upkeep:
    """Compacts tables while a collection is written, bounded in time."""

    def __init__(self) -> None:
        self._writes: Counter[str] = Counter()
        self._next: dict[str, float] = {}  # by table: when its next compaction is due at the earliest

    def written(self, name: str, table: Any) -> None:
        """Count a write to a table, and compact it if it is time; the caller holds the writer's lock."""
        self._writes[name] += 1
        started = time.monotonic()
        if self._writes[name] < WRITES or started < self._next.get(name, 0.0):
            return
        _ensure_indexes(name, table, _KEYS.get(name, "id"))
        table.optimize(cleanup_older_than=KEEP_VERSIONS)
        self._writes[name] = 0
        ended = time.monotonic()
        self._next[name] = ended + (ended - started) / SHARE


def _stale(name: str, table: Any) -> bool:
    """Tell whether a larger share of the rows is outside an index."""
    return any(index.unindexed > UNINDEXED * (index.indexed + index.unindexed) for index in indexes_of(name, table))


def _ensure_indexes(name: str, table: Any, key: str) -> None:
    """Make the indexes that the table lacks."""
    from lancedb.index import BTree, IvfFlat

    there = {tuple(index.columns) for index in table.list_indices()}
    if (key,) not in there and key in table.schema.names:  # a derived table of an older revision lacks it
        table.create_index(key, config=BTree())
    if name == "segments":
        ensure_text_indexes(table)
    if name.startswith(EMBEDDINGS) and ("vector",) not in there and table.count_rows() >= VECTOR_ROWS:
        table.create_index("vector", config=IvfFlat(distance_type="cosine"))


def ensure_text_indexes(segments: Any) -> None:
    """Make the full-text indexes of the segments: words of any script, and parts of words."""
    from lancedb.index import FTS

    plain: dict[str, Any] = {"stem": False, "remove_stop_words": False, "lower_case": True, "ascii_folding": True}
    there = {tuple(index.columns) for index in segments.list_indices()}
    if ("words",) not in there:
        segments.create_index("words", config=FTS(base_tokenizer="icu", with_position=True, **plain))
    if ("grams",) not in there:
        segments.create_index(
            "grams", config=FTS(base_tokenizer="ngram", ngram_min_length=3, ngram_max_length=3, **plain)
        )
