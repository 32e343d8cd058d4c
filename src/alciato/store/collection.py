"""`Collection`: what is kept, and how it is read and written.

Every write is one LanceDB transaction under the writer's lock. Where a batch needs two, the order is such
that a kill in between is repaired by doing the batch again: media before items, segments before readings.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa

from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Post, Reading, Segment, Verdict
from alciato.item.reading import ENCODE_KINDS
from alciato.store import saving, tables
from alciato.store.embeddings import PREFIX as EMBEDDINGS
from alciato.store.embeddings import EncoderInfo, StoredEncoder, canonical_name, encoder_of, schema_for, table_name
from alciato.store.lock import writer_lock
from alciato.store.maintain import ensure_text_indexes, maintain
from alciato.store.status import Status, status_of
from alciato.store.tables import sql_list

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
        self._known_encoders: dict[str, StoredEncoder] = {}
        self._lock = writer_lock(uri)

    @classmethod
    def open(cls, uri: str | Path, *, create: bool = True) -> Collection:
        """Open a collection; make it if there is none. With `create=False` a missing one is a `UsageError`."""
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
        missing = set(tables.SCHEMAS) - set(self._names())
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
            tables.segment_row(u, tables.filter_columns(item)) for item, _ in fresh for u in tables.body_segments(item)
        ]
        self.upsert("segments", segments)
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

    # Readings, segments and embeddings

    def provenance(self) -> pa.Table:
        """Columns item, part, kind, model, version, error of all readings: what was read with what."""
        return self._scan("readings", ["item", "part", "kind", "model", "version", "error"])

    def save_readings(
        self,
        readings: Sequence[Reading],
        segments: Sequence[Segment] = (),
        embeddings: Sequence[tuple[EncoderInfo, saving.Vectors]] = (),
        *,
        replaced: Mapping[str, Some[str]] | None = None,
    ) -> None:
        """Save what was read of some items.

        Args:
            readings: what was read; one of the same item, part and kind is replaced.
            segments: what the readings make searchable, and segments as they are stored that only get a vector.
            embeddings: encoders, each with vectors (dimension,) by segment id. No other encoder's table is touched,
                but for segments that change or go: these lose their vectors in all tables.
            replaced: for each item the kinds of segment that are made anew; stored ones of these kinds that are not
                given again go. By default the kinds of the given segments.
        """
        if replaced is None:
            kinds: dict[str, set[str]] = {}
            for segment in segments:
                kinds.setdefault(segment.item, set()).add(segment.kind)
            replaced = kinds
        with self._lock:
            saving.save(self, readings, segments, embeddings, replaced)

    def embeddings(self, fingerprint: str) -> Any | None:
        """Give the LanceDB table of an encoder's embeddings, or None. Columns: `tables.EMBEDDED` and `vector`."""
        name = table_name(fingerprint)
        return self.table(name) if name in self._tables or name in self._names() else None

    def encoders(self) -> list[StoredEncoder]:
        """List the encoders that have embeddings here, with the number of their vectors."""
        return [replace(encoder, rows=self.table(encoder.table).count_rows()) for encoder in self._encoders()]

    def encoders_named(self, name: str) -> list[StoredEncoder]:
        """Give the encoders of that name that have embeddings here, uncounted; names are compared in canonical form.

        There can be several: another version of a model has the same name and another fingerprint.
        """
        return [encoder for encoder in self._encoders() if encoder.name == canonical_name(name)]

    def _encoders(self) -> list[StoredEncoder]:
        names = [name for name in self._names() if name.startswith(EMBEDDINGS)]
        for name in names:
            if name not in self._known_encoders:  # a table is made for one fingerprint: its schema never changes
                self._known_encoders[name] = encoder_of(name, self.table(name))
        return [self._known_encoders[name] for name in names]

    def start_embeddings(self, encoder: EncoderInfo) -> Any:
        """Give the table of an encoder's embeddings, made if it is missing."""
        table = self.embeddings(encoder.fingerprint)
        if table is None:
            name = table_name(encoder.fingerprint)
            table = self._tables[name] = self._database.create_table(name, schema=schema_for(encoder), exist_ok=True)
        return table

    def drop_embeddings(self, fingerprint: str) -> None:
        """Delete an encoder's embeddings and what says that they are there."""
        with self._lock:
            kinds = sql_list(ENCODE_KINDS)
            self.delete("readings", f"kind in {kinds} and version in {sql_list([fingerprint])}")
            if self.embeddings(fingerprint) is not None:
                name = table_name(fingerprint)
                self._tables.pop(name, None)
                self._database.drop_table(name)

    def readings(self, ids: Sequence[str] | None = None, kinds: Sequence[str] | None = None) -> Iterator[Reading]:
        """Yield the readings of some items, or of all, of some kinds, or of all."""
        for row in self._select("readings", None, _condition(item=ids, kind=kinds)):
            yield tables.reading_of(row)

    def segments(self, ids: Sequence[str] | None = None) -> Iterator[Segment]:
        """Yield the searchable segments of some items, or of all."""
        for row in self.segment_rows(ids):
            yield tables.segment_of(row)

    def segment_rows(self, ids: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table of segments of some items, or of all."""
        return self._select("segments", None, _condition(item=ids))

    # Verdicts

    def save_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Save verdicts; one by the same policy, strategy and model replaces the older."""
        with self._lock:
            self.upsert("verdicts", [tables.verdict_row(verdict) for verdict in verdicts])

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
            self._lock.check()
            self.table(name).add(pa.Table.from_pylist(rows, tables.SCHEMAS[name]))

    def _names(self) -> list[str]:
        return list(self._database.table_names(limit=10_000))

    def upsert(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Insert rows, and replace those of the same id; the caller holds the writer's lock."""
        if rows:
            self.upsert_rows(self.table(name), pa.Table.from_pylist(rows, tables.SCHEMAS[name]))

    def delete(self, name: str, condition: str) -> int:
        """Delete the rows of a table that a condition names, if there are any; gives how many there were."""
        count: int = self.table(name).count_rows(condition)
        if count:
            self._lock.check()
            self.table(name).delete(condition)
        return count

    def upsert_rows(self, table: Any, rows: pa.Table) -> None:
        """Insert rows into a LanceDB table, and replace those of the same id; the caller holds the writer's lock."""
        if rows.num_rows:
            self._lock.check()
            table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)


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


def _condition(**wanted: Sequence[str] | None) -> str | None:
    """SQL condition: each column among its values; None does not restrict."""
    parts = [
        f"{column} in {sql_list(values)}" if values else "false"
        for column, values in wanted.items()
        if values is not None
    ]
    return " and ".join(parts) or None
