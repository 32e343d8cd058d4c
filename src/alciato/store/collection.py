"""`Collection`: what is kept, and how it is read and written.

Every write is one LanceDB transaction under the writer's lock. Where a batch needs two, the order is such
that a kill in between is repaired by doing the batch again: media before items, segments before readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa

from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Post, Reading, Segment, Verdict
from alciato.memory import limit_malloc_arenas
from alciato.store import tables
from alciato.store.lock import writer_lock
from alciato.store.maintain import ensure_text_indexes, maintain
from alciato.store.status import Status, status_of
from alciato.store.tables import sql_list
from alciato.store.vectors import VectorSource, with_vectors

BATCH_POSTS, BATCH_BYTES = 256, 64 * 2**20
"""A batch of posts is written when it holds this many posts, or this many bytes of media."""


@dataclass
class Added:
    """How many posts were new, how many were there already, and the ids under which all of them stand."""

    added: int = 0
    known: int = 0
    ids: list[str] = field(default_factory=list)


class Collection:
    """A folder or `s3://` URI with the tables items, media, readings, segments and verdicts."""

    def __init__(self, uri: str, database: Any) -> None:
        self.uri = uri
        self._database = database
        self._tables: dict[str, Any] = {}
        self._lock = writer_lock(uri)

    @classmethod
    def open(cls, uri: str | Path, *, create: bool = True) -> Collection:
        """Open a collection; make it if there is none. With `create=False` a missing one is a `UsageError`."""
        limit_malloc_arenas()  # before LanceDB starts its threads
        address = str(uri) if "://" in str(uri) else str(Path(uri).expanduser().resolve())
        if "://" not in address:
            if not create and not Path(address, "items.lance").exists():
                raise UsageError(
                    "there is no collection here.", where=address, remedy="Make one with `alciato add PATH…`."
                )
            Path(address).mkdir(parents=True, exist_ok=True)
        database = lancedb.connect(address, read_consistency_interval=timedelta(0))
        collection = cls(address, database)
        collection._prepare()
        return collection

    def _prepare(self) -> None:
        """Make the tables that are missing."""
        missing = set(tables.SCHEMAS) - set(self._database.table_names(limit=100))
        if missing:
            with self._lock:
                for name in sorted(missing):
                    self._database.create_table(name, schema=tables.SCHEMAS[name], exist_ok=True)
                ensure_text_indexes(self.table("segments"))

    def table(self, name: str) -> Any:
        """The LanceDB table of that name: items, media, readings, segments or verdicts."""
        if name not in self._tables:
            self._tables[name] = self._database.open_table(name)
        return self._tables[name]

    # Items and media

    def add(self, posts: Iterable[Post]) -> Added:
        """Add posts; what is there already is left as it is. Their words can be searched at once.

        A post with the id of another post but with other content gets the id `ID~HASH`.
        """
        total = Added()
        for batch in _batches(posts):
            with self._lock:
                ids, fresh = self._add_batch(batch)
            total.added += fresh
            total.known += len(batch) - fresh
            total.ids += ids
        return total

    def _add_batch(self, batch: list[Post]) -> tuple[list[str], int]:
        ids, fresh = self._fresh(batch)
        media = {sha: data for _, post in fresh for sha, data in post.media.items()}
        here = self._present("media", "sha", list(media))
        rows = [{"sha": sha, "size": len(data), "data": data} for sha, data in media.items() if sha not in here]
        self._append("media", rows)
        self._append("items", [tables.item_row(item) for item, _ in fresh])
        segments = [
            tables.segment_row(u, tables.filters(item)) for item, _ in fresh for u in tables.body_segments(item)
        ]
        self._upsert("segments", segments)
        return ids, len(fresh)

    def _fresh(self, batch: list[Post]) -> tuple[list[str], list[tuple[Item, Post]]]:
        """Give every post's id, and the posts that are new; rename what has the id of something else."""
        names = [post.item.id for post in batch]
        renamed = [f"{post.item.id}~{tables.content_of(post.item)[:8]}" for post in batch]
        taken = self._contents(names + renamed)
        ids, fresh = [], []
        for post, other in zip(batch, renamed, strict=True):
            item, content = post.item, tables.content_of(post.item)
            if taken.get(item.id, content) != content:
                item = item.model_copy(update={"id": other})
            if item.id not in taken:
                taken[item.id] = content
                fresh.append((item, post))
            ids.append(item.id)
        return ids, fresh

    def _contents(self, ids: list[str]) -> dict[str, str]:
        """Hash of the content by id, of those ids that are there."""
        found = self._select("items", ["id", "content"], f"id in {sql_list(ids)}") if ids else []
        return {row["id"]: row["content"] for row in found}

    def items(self, ids: Sequence[str] | None = None, where: str | None = None) -> Iterator[Item]:
        """Yield items in the order of adding; with `ids`, in the order of these, unknown ones left out."""
        if ids is not None:
            for start in range(0, len(ids), 500):
                part = list(ids[start : start + 500])
                condition = f"id in {sql_list(part)}" + (f" and ({where})" if where else "")
                found = {row["id"]: row["json"] for row in self._select("items", ["id", "json"], condition)}
                yield from (Item.model_validate_json(found[id_]) for id_ in part if id_ in found)
            return
        for row in self._select("items", ["json"], where):
            yield Item.model_validate_json(row["json"])

    def item(self, id_: str) -> Item:
        """Give one item. Raises `UsageError` if there is none of that id."""
        for item in self.items([id_]):
            return item
        raise UsageError(
            f"no item has the id {id_!r}.", where=self.uri, remedy="`alciato search` and `status` print ids."
        )

    def item_parts(self) -> pa.Table:
        """Columns id and parts (types of the parts, in order) of all items: a light scan."""
        return self._scan("items", ["id", "parts"])

    def media(self, sha: str) -> bytes:
        """Give the bytes of one medium. Raises `AlciatoError` if they are missing or damaged."""
        found = self.media_many([sha])
        if sha not in found:
            raise AlciatoError(f"the medium {sha} is missing.", where=self.uri, remedy="Add its file again.")
        return found[sha]

    def media_many(self, shas: Sequence[str]) -> dict[str, bytes]:
        """Give the bytes of several media by hash; unknown ones are left out."""
        if not shas:
            return {}
        condition = f"sha in {sql_list(sorted(set(shas)))}"
        return {row["sha"]: row["data"] for row in self._select("media", ["sha", "data"], condition)}

    # Readings and segments

    def stamps(self) -> pa.Table:
        """Columns item, part, kind, model, version, error of all readings: what was read with what."""
        return self._scan("readings", ["item", "part", "kind", "model", "version", "error"])

    def save_readings(
        self,
        readings: Sequence[Reading],
        segments: Sequence[Segment],
        vectors: Mapping[str, np.ndarray[Any, Any]],
        *,
        replaced: Mapping[str, Iterable[str]] | None = None,
        encoder: VectorSource | None = None,
        visual: Mapping[str, np.ndarray[Any, Any]] | None = None,
        image_encoder: VectorSource | None = None,
    ) -> None:
        """Save what was read of some items: segments first, readings last.

        Replaced are an item's segments of the kinds that are given, and of those that `replaced` names for it, even
        where none is given. Vectors are by segment id, each of shape (dimension,); `encoder` says what made them,
        `image_encoder` what made the visual ones.
        """
        with self._lock:
            self._save_segments(
                replaced or {}, segments, [("vector", encoder, vectors), ("visual", image_encoder, visual or {})]
            )
            self._upsert("readings", [tables.reading_row(reading) for reading in readings])

    def _save_segments(
        self,
        replaced: Mapping[str, Iterable[str]],
        segments: Sequence[Segment],
        columns: list[tuple[str, VectorSource | None, Mapping[str, np.ndarray[Any, Any]]]],
    ) -> None:
        ids = sorted({segment.item for segment in segments})
        lent = {item.id: tables.filters(item) for item in self.items(ids)}
        rows = pa.Table.from_pylist(
            [tables.segment_row(u, lent[u.item]) for u in segments if u.item in lent], tables.SEGMENTS
        )
        for name, source, vectors in columns:
            rows = with_vectors(self.table("segments"), rows, name, source, vectors)
        stale = _stale(replaced, segments)
        if stale or rows.num_rows:
            merge = self.table("segments").merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            if stale:
                merge = merge.when_not_matched_by_source_delete(stale)
            merge.execute(rows, on_bad_vectors="null")

    def readings(self, ids: Sequence[str] | None = None, kinds: Sequence[str] | None = None) -> Iterator[Reading]:
        """Yield the readings of some items, or of all, of some kinds, or of all."""
        for row in self._select("readings", None, _condition(item=ids, kind=kinds)):
            yield tables.reading_of(row)

    def segments(self, ids: Sequence[str] | None = None) -> Iterator[Segment]:
        """Yield the searchable segments of some items, or of all."""
        columns = [field.name for field in tables.SEGMENTS]
        for row in self._select("segments", columns, _condition(item=ids)):
            yield tables.segment_of(row)

    # Verdicts

    def save_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Save verdicts; one by the same policy, strategy and model replaces the older."""
        with self._lock:
            self._upsert("verdicts", [tables.verdict_row(verdict) for verdict in verdicts])

    def verdicts(self, policy: str | None = None, ids: Sequence[str] | None = None) -> Iterator[Verdict]:
        """Yield the verdicts under one policy, or under all."""
        policies = None if policy is None else [policy]
        for row in self._select("verdicts", ["json"], _condition(policy=policies, item=ids)):
            yield Verdict.model_validate_json(row["json"])

    # The whole

    def status(self) -> Status:
        """Say what is in the collection and how fresh its indexes are."""
        return status_of(self)

    def maintain(self, *, force: bool = False) -> None:
        """Compact and index what has grown; cheap when nothing has."""
        with self._lock:
            maintain(self, force=force)

    # Rows

    def _scan(self, name: str, columns: list[str]) -> pa.Table:
        return self.table(name).search().select(columns).limit(None).to_arrow()

    def _select(self, name: str, columns: list[str] | None, where: str | None) -> Iterator[dict[str, Any]]:
        query = self.table(name).search()
        query = query.where(where) if where else query
        query = query.select(columns) if columns else query
        for batch in query.limit(None).to_batches(batch_size=256):
            yield from batch.to_pylist()

    def _present(self, name: str, key: str, values: list[str]) -> set[str]:
        found = self._select(name, [key], f"{key} in {sql_list(values)}") if values else []
        return {row[key] for row in found}

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.table(name).add(pa.Table.from_pylist(rows, tables.SCHEMAS[name]))

    def _upsert(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            merge = self.table(name).merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(pa.Table.from_pylist(rows, tables.SCHEMAS[name]))


def _batches(posts: Iterable[Post]) -> Iterator[list[Post]]:
    """Group posts so that a batch has a bounded number and a bounded weight."""
    batch: list[Post] = []
    weight = 0
    for post in posts:
        batch.append(post)
        weight += sum(map(len, post.media.values()))
        if len(batch) >= BATCH_POSTS or weight >= BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _stale(replaced: Mapping[str, Iterable[str]], segments: Sequence[Segment]) -> str:
    """SQL condition for the segments that are replaced: exact for each item, not crosswise."""
    kinds_of = {item: set(kinds) for item, kinds in replaced.items()}
    for segment in segments:
        kinds_of.setdefault(segment.item, set()).add(segment.kind)
    items_of: dict[tuple[str, ...], list[str]] = {}
    for item, kinds in kinds_of.items():
        if kinds:
            items_of.setdefault(tuple(sorted(kinds)), []).append(item)
    return " or ".join(f"(item in {sql_list(ids)} and kind in {sql_list(kinds)})" for kinds, ids in items_of.items())


def _condition(**wanted: Sequence[str] | None) -> str | None:
    """SQL condition: each column among its values; None does not restrict."""
    parts = [
        f"{column} in {sql_list(values)}" if values else "false"
        for column, values in wanted.items()
        if values is not None
    ]
    return " and ".join(parts) or None
