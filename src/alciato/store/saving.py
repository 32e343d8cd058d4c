"""Saving what was read: readings, the segments made from them, and the segments' embeddings, in an order that heals.

A kill between two of the writes leaves a state from which reading the batch again gives the right one:

1. Other encoders forget that they have encoded an item whose segments change.
2. Embeddings of segments that change or go are deleted in all tables; new ones are written.
3. Segments are replaced.
4. Readings are written: only these say that the work is done.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from alciato.item import Reading, Segment
from alciato.item.reading import ENCODE_KINDS
from alciato.store import tables
from alciato.store.embeddings import EncoderInfo, embedding_rows, table_name
from alciato.store.tables import sql_list

if TYPE_CHECKING:
    from alciato.store.collection import Collection

Vectors = Mapping[str, np.ndarray[Any, Any]]
"""Vectors (dimension,) by segment id."""
PICTURE_KINDS = frozenset({"picture", "frame"})


@dataclass
class _Changes:
    """What a save changes among the segments; all are rows of the table."""

    fresh: list[dict[str, Any]] = field(default_factory=list)  # new segments, and those that differ from what is there
    stale: list[str] = field(default_factory=list)  # ids of stored segments that differ, or are no longer made
    gone: list[str] = field(default_factory=list)  # those of `stale` that are no longer made
    current: list[dict[str, Any]] = field(default_factory=list)  # the given segments as they stand after the save
    outdated: set[str] = field(default_factory=set)  # items that another process removed or changed meanwhile
    unencoded: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # kind of encoding to (item, segment)


def save(
    collection: Collection,
    readings: Sequence[Reading],
    segments: Sequence[Segment],
    embeddings: Sequence[tuple[EncoderInfo, Vectors]],
    replaced: Mapping[str, Some[str]],
) -> None:
    """Save under the writer's lock; `replaced` gives for each item the kinds of segment that are made anew.

    A given segment of another kind only carries a vector: it counts if it is still what is stored. A reading that
    says that an item was encoded is left out where one of its segments is not.
    """
    changes = _changes(collection, segments, replaced)
    _forget_encoding(collection, changes.unencoded, embeddings)
    _delete_embeddings(collection, changes.stale)
    for encoder, vectors in embeddings:
        if vectors:
            rows = embedding_rows(encoder, changes.current, vectors)
            collection.start_embeddings(encoder)
            collection.upsert_rows(table_name(encoder.fingerprint), rows)
    if changes.fresh:
        collection.upsert("segments", changes.fresh)
    if changes.gone:
        collection.delete("segments", f"id in {sql_list(changes.gone)}")
    done = [one for one in readings if not (one.kind in ENCODE_KINDS and one.item in changes.outdated)]
    collection.upsert("readings", [tables.reading_row(reading) for reading in done])


def _changes(collection: Collection, segments: Sequence[Segment], replaced: Mapping[str, Some[str]]) -> _Changes:
    items = sorted({segment.item for segment in segments} | set(replaced))
    filters = {item.id: tables.filter_columns(item) for item in collection.items(items)}
    stored = {row["id"]: row for row in collection.segment_rows(items)}
    changes = _Changes(outdated=set(items) - set(filters))
    made = [tables.segment_row(one, filters[one.item]) for one in segments if one.item in filters]
    for row in pa.Table.from_pylist(made, tables.SEGMENTS).to_pylist():  # in the precision of the table
        before = stored.pop(row["id"], None)
        if row != before:
            if row["kind"] not in replaced.get(row["item"], ()):
                changes.outdated.add(row["item"])
                continue
            changes.fresh.append(row)
            changes.stale += [] if before is None else [row["id"]]
            _needs_encoding(changes, row)
        changes.current.append(row)
    for row in stored.values():
        if row["kind"] in replaced.get(row["item"], ()):
            changes.gone.append(row["id"])
    changes.stale += changes.gone
    return changes


def _needs_encoding(changes: _Changes, row: Mapping[str, Any]) -> None:
    place = (row["item"], row["id"])
    if row["text"]:
        changes.unencoded.setdefault("encode", []).append(place)
    if row["kind"] in PICTURE_KINDS:
        changes.unencoded.setdefault("encode_images", []).append(place)


def _forget_encoding(
    collection: Collection,
    unencoded: Mapping[str, Sequence[tuple[str, str]]],
    embeddings: Sequence[tuple[EncoderInfo, Vectors]],
) -> None:
    """Drop what says that these items are encoded, of every encoder that does not bring their vectors now."""
    for kind, places in unencoded.items():
        items = sorted({item for item, _ in places})
        condition = f"kind = '{kind}' and item in {sql_list(items)}"
        for encoder, vectors in embeddings:
            lacking = {item for item, segment in places if segment not in vectors}
            if encoded := [item for item in items if item not in lacking]:
                condition += f" and not (version = {_quoted(encoder.fingerprint)} and item in {sql_list(encoded)})"
        collection.delete("readings", condition)


def _quoted(text: str) -> str:
    return sql_list([text])[1:-1]


def _delete_embeddings(collection: Collection, segments: Sequence[str]) -> None:
    """Delete the vectors of these segments, whichever encoder made them."""
    if not segments:
        return
    condition = f"id in {sql_list(segments)}"
    for encoder in collection.encoders():
        collection.delete(encoder.table, condition)
