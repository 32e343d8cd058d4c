"""What is in a collection, and how fresh its indexes are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from alciato.store.embeddings import StoredEncoder

if TYPE_CHECKING:
    from alciato.store.collection import Collection


class Index(BaseModel):
    """One index: rows that it holds, and rows that are still found by a scan."""

    table: str
    column: str
    type: str
    indexed: int
    unindexed: int


class Status(BaseModel):
    """Counts by what is counted; `failed` counts readings with an error, by their kind."""

    uri: str
    items: int
    parts: dict[str, int]
    media: int
    media_bytes: int
    readings: dict[str, int]
    failed: dict[str, int]
    segments: int
    verdicts: int
    encoders: list[StoredEncoder]
    indexes: list[Index]
    fragments: dict[str, int]
    versions: dict[str, int]


def status_of(collection: Collection) -> Status:
    """Count what there is: light columns, streamed; no media bytes."""
    parts: Counter[str] = Counter()
    for row in collection.stream("items", ["parts"]):
        parts.update(row["parts"])
    readings: Counter[str] = Counter()
    for row in collection.stream("readings", ["kind"]):
        readings[row["kind"]] += 1
    failed = Counter(row["kind"] for row in collection.stream("readings", ["kind"], "error is not null"))
    encoders = collection.encoders()
    names = ("items", "media", "readings", "segments", "verdicts", *(encoder.table for encoder in encoders))
    return Status(
        uri=collection.uri,
        items=collection.table("items").count_rows(),
        parts=dict(parts),
        media=collection.table("media").count_rows(),
        media_bytes=sum(row["size"] for row in collection.stream("media", ["size"])),
        readings=dict(readings),
        failed=dict(failed),
        segments=collection.table("segments").count_rows(),
        verdicts=collection.table("verdicts").count_rows("removed_at is null"),
        encoders=encoders,
        indexes=[index for name in names for index in indexes_of(name, collection.table(name))],
        fragments={name: fragments_of(collection.table(name)) for name in names},
        versions={name: collection.table(name).version for name in names},
    )


def indexes_of(name: str, table: Any) -> list[Index]:
    """List the indexes of a table with what they hold."""
    found = []
    for index in table.list_indices():
        stats = table.index_stats(index.name)
        indexed, unindexed = (stats.num_indexed_rows, stats.num_unindexed_rows) if stats else (0, table.count_rows())
        found.append(
            Index(
                table=name,
                column=index.columns[0],
                type=str(index.index_type),
                indexed=indexed,
                unindexed=unindexed,
            )
        )
    return found


def fragments_of(table: Any) -> int:
    """Number of data fragments of a table: many small ones make queries slow."""
    return int(table.stats()["fragment_stats"]["num_fragments"])
