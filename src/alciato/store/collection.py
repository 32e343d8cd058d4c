"""`Collection`: what is kept, and how it is read and written.

Every write is one LanceDB transaction under the writer's lock. Where a batch needs two, the order is such
that a kill in between is repaired by doing the batch again: media before items, segments before readings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import lancedb
import pyarrow as pa

from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Post, Reading, Segment, Verdict
from alciato.item.reading import ENCODE_KINDS
from alciato.store import health, saving, tables
from alciato.store.embeddings import PREFIX as EMBEDDINGS
from alciato.store.embeddings import EncoderInfo, StoredEncoder, canonical_name, encoder_of, schema_for, table_name
from alciato.store.faults import DamagedStore, Guarded, naming_faults
from alciato.store.health import Problem
from alciato.store.lock import writer_lock
from alciato.store.maintain import Upkeep, ensure_text_indexes, maintain
from alciato.store.status import Status, status_of
from alciato.store.tables import sql_list

CANDIDATES = 10
"""Ids that the error for an ambiguous prefix names."""
_LAST_TABLE = "verdicts"
"""Made last: where it is missing, a kill may have left out any of the others, or the text indexes."""
T = TypeVar("T")
_logger = logging.getLogger(__name__)
BATCH_POSTS, BATCH_BYTES = 256, 64 * 2**20
"""A batch of posts is written when it holds this many posts, or this many bytes of media."""


@dataclass
class Added:
    """How many posts were new, how many were there already, and the ids under which all of them stand."""

    added: int = 0
    known: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass
class Removed:
    """Ids of the posts that were removed, and hashes of the media that went with them."""

    items: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)


class Collection:
    """A folder or `s3://` URI with the tables items, media, readings, segments and verdicts."""

    def __init__(self, uri: str, database: Any) -> None:
        self.uri = uri
        self._database = database
        self._tables: dict[str, Any] = {}
        self._known_encoders: dict[str, StoredEncoder] = {}
        self._lock = writer_lock(uri)
        self._upkeep = Upkeep()

    @classmethod
    def open(cls, uri: str | Path, *, create: bool = True) -> Collection:
        """Open a collection; make it if there is none. With `create=False` a missing one is a `UsageError`."""
        address = str(uri) if "://" in str(uri) else str(Path(uri).expanduser().resolve())
        if "://" not in address:
            if not create and not any(Path(address, f"{name}.lance").exists() for name in tables.SCHEMAS):
                raise UsageError(
                    "there is no collection here.", where=address, remedy="Make one with `alciato add PATH…`."
                )
            _make_folder(Path(address))
        with naming_faults(address, "items"):
            database = lancedb.connect(address, read_consistency_interval=timedelta(0))
        collection = cls(address, database)
        collection._prepare()
        return collection

    def _prepare(self) -> None:
        """Make the tables of a new collection. One that has posts and lacks a table is damaged, which its use tells."""
        names = set(self.table_names())
        missing = set(tables.SCHEMAS) - names
        if missing and not self._in_use(names):
            with self._lock:
                for name in sorted(missing - {_LAST_TABLE}):
                    self.create_table(name)
                ensure_text_indexes(self.table("segments"))
                self.create_table(_LAST_TABLE)

    def _in_use(self, names: set[str]) -> bool:
        """Tell whether any table has rows: what is missing then was not left out by a kill while it was made."""
        try:
            return any(self.table(name).count_rows() for name in names)
        except DamagedStore:
            return True

    def drop_table(self, name: str) -> None:
        """Delete a table."""
        self.forget_tables()
        with naming_faults(self.uri, name):
            self._database.drop_table(name)

    def create_table(self, name: str) -> None:
        """Make an empty table."""
        with naming_faults(self.uri, name):
            self._database.create_table(name, schema=tables.SCHEMAS[name], exist_ok=True)

    def table(self, name: str) -> Any:
        """The LanceDB table of that name: items, media, readings, segments, verdicts, or that of an encoder.

        Faults of storage in what it does are `AlciatoError`s.
        """
        if name not in self._tables:
            with naming_faults(self.uri, name):
                self._tables[name] = Guarded(self._database.open_table(name), self.uri, name)
        return self._tables[name]

    def forget_tables(self) -> None:
        """Open the tables anew at their next use: they were replaced."""
        self._tables.clear()
        self._known_encoders.clear()

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
        media = {sha: data for post in batch for sha, data in post.media.items()}  # of known posts too: one may be lost
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
        found = self.stream("items", ["id", "content"], f"id in {sql_list(ids)}") if ids else []
        return {row["id"]: row["content"] for row in found}

    def items(self, ids: Sequence[str] | None = None, where: str | None = None) -> Iterator[Item]:
        """Yield items in the order of adding; with `ids`, in the order of these, unknown ones left out."""
        if ids is not None:
            for start in range(0, len(ids), 500):
                part = list(ids[start : start + 500])
                condition = f"id in {sql_list(part)}" + (f" and ({where})" if where else "")
                found = {row["id"]: row for row in self.stream("items", ["id", "json"], condition)}
                for id_ in part:
                    if id_ in found:
                        yield from self._readable("items", found[id_], _item_of)
            return
        for row in self.stream("items", ["id", "json"], where):
            yield from self._readable("items", row, _item_of)

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

    def ids(self, where: str | None = None, *, since: datetime | None = None) -> list[str]:
        """Give ids in the order of adding: of all items, of those that a condition on the items' columns holds for.

        `since` leaves out what was added before that time; one without a zone is in UTC.
        """
        conditions = [f"({where})"] if where else []
        if since is not None:
            moment = since.astimezone(UTC) if since.tzinfo else since
            conditions.append(f"added_at >= timestamp '{moment.replace(tzinfo=None).isoformat(sep=' ')}'")
        return [row["id"] for row in self.stream("items", ["id"], " and ".join(conditions) or None)]

    def resolve(self, prefix: str) -> str:
        """Give the one id that starts so; an id that is whole wins. Raises `UsageError` naming the candidates."""
        if not prefix:
            raise UsageError("an empty id names no post.", remedy="`alciato search` prints ids.")
        if self._present("items", "id", [prefix]):
            return prefix
        condition = f"starts_with(id, {sql_list([prefix])[1:-1]})"
        found = self.table("items").search().where(condition).select(["id"]).limit(CANDIDATES + 1).to_list()
        names: list[str] = sorted(row["id"] for row in found)
        if len(names) == 1:
            return names[0]
        if not names:
            raise UsageError(
                f"no post has an id that starts with {prefix!r}.",
                where=self.uri,
                remedy="`alciato search` prints ids; any prefix that names one post will do.",
            )
        more = " and more" if len(names) > CANDIDATES else ""
        raise UsageError(
            f"the id {prefix!r} names several posts: {', '.join(names[:CANDIDATES])}{more}.",
            where=self.uri,
            remedy="Write more of it.",
        )

    def remove(self, ids: Sequence[str]) -> Removed:
        """Remove posts with all that was read of them, and media that no other post has.

        Their verdicts are kept in the history, marked as those of removed posts.
        Raises `UsageError` for an id that is not there, before anything is removed.
        """
        wanted = list(dict.fromkeys(ids))
        with self._lock:
            found = {item.id: item for item in self.items(wanted)}
            if unknown := [id_ for id_ in wanted if id_ not in found]:
                raise UsageError(f"no item has the id {unknown[0]!r}.", where=self.uri, remedy="Nothing was removed.")
            removed = Removed()
            for start in range(0, len(wanted), 500):
                part = [found[id_] for id_ in wanted[start : start + 500]]
                removed.items += [item.id for item in part]
                removed.media += self._remove_batch(part)
            return removed

    def _remove_batch(self, items: list[Item]) -> list[str]:
        """Readings go first and media last: whatever a kill leaves is read again, or dropped by the next removal."""
        among = f"item in {sql_list([item.id for item in items])}"
        self.delete("readings", among)
        for encoder in self._encoders():
            self.delete(encoder.table, among)
        self.delete("segments", among)
        if self.table("verdicts").count_rows(among):
            self._lock.check()
            self.table("verdicts").update(where=f"{among} and removed_at is null", values={"removed_at": _now()})
        self.delete("items", f"id in {sql_list([item.id for item in items])}")
        shas = sorted({part.media for item in items for _, part in item.media()})
        if not shas:
            return []
        listed = ", ".join(sql_list([sha])[1:-1] for sha in shas)
        rows = self.stream("items", ["media"], f"array_has_any(media, make_array({listed}))")
        kept = {sha for row in rows for sha in row["media"]}
        dropped = [sha for sha in shas if sha not in kept]
        if dropped:
            for name in set(tables.BY_MEDIUM) & set(self.table_names()):
                self.delete(name, f"medium in {sql_list(dropped)}")
            self.delete("media", f"sha in {sql_list(dropped)}")
        return dropped

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
        return {row["sha"]: row["data"] for row in self.stream("media", ["sha", "data"], condition)}

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
        return self.table(name) if name in self._tables or name in self.table_names() else None

    def encoders(self) -> list[StoredEncoder]:
        """List the encoders that have embeddings here, with the number of their vectors."""
        return [replace(encoder, rows=self.table(encoder.table).count_rows()) for encoder in self._encoders()]

    def encoders_named(self, name: str) -> list[StoredEncoder]:
        """Give the encoders of that name that have embeddings here, uncounted; names are compared in canonical form.

        There can be several: another version of a model has the same name and another fingerprint.
        """
        return [encoder for encoder in self._encoders() if encoder.name == canonical_name(name)]

    def _encoders(self) -> list[StoredEncoder]:
        names = [name for name in self.table_names() if name.startswith(EMBEDDINGS)]
        for name in names:
            if name not in self._known_encoders:  # a table is made for one fingerprint: its schema never changes
                self._known_encoders[name] = encoder_of(name, self.table(name))
        return [self._known_encoders[name] for name in names]

    def start_embeddings(self, encoder: EncoderInfo) -> Any:
        """Give the table of an encoder's embeddings, made if it is missing."""
        table = self.embeddings(encoder.fingerprint)
        if table is None:
            name = table_name(encoder.fingerprint)
            with naming_faults(self.uri, name):
                self._database.create_table(name, schema=schema_for(encoder), exist_ok=True)
            table = self.table(name)
        return table

    def drop_embeddings(self, fingerprint: str) -> None:
        """Delete an encoder's embeddings and what says that they are there."""
        with self._lock:
            kinds = sql_list(ENCODE_KINDS)
            self.delete("readings", f"kind in {kinds} and version in {sql_list([fingerprint])}")
            if self.embeddings(fingerprint) is not None:
                self.drop_table(table_name(fingerprint))

    def readings(self, ids: Sequence[str] | None = None, kinds: Sequence[str] | None = None) -> Iterator[Reading]:
        """Yield the readings of some items, or of all, of some kinds, or of all."""
        for row in self.stream("readings", None, _condition(item=ids, kind=kinds)):
            yield from self._readable("readings", row, tables.reading_of)

    def segments(self, ids: Sequence[str] | None = None) -> Iterator[Segment]:
        """Yield the searchable segments of some items, or of all."""
        for row in self.segment_rows(ids):
            yield from self._readable("segments", row, tables.segment_of)

    def segment_rows(self, ids: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table of segments of some items, or of all."""
        return self.stream("segments", None, _condition(item=ids))

    # Verdicts

    def save_verdicts(self, verdicts: Sequence[Verdict], *, actor: str = "alciato") -> None:
        """Append verdicts to the history; none is ever overwritten. `actor` is who decided.

        Raises `AlciatoError` for a verdict that could not be read back, such as one with a score that is not a number.
        """
        rows = [tables.verdict_row(verdict, actor) for verdict in verdicts]
        with self._lock:
            self._append("verdicts", rows)

    def verdicts(
        self, policy: str | None = None, ids: Sequence[str] | None = None, *, history: bool = False
    ) -> Iterator[Verdict]:
        """Yield the newest verdict of each item, policy, strategy and model; under one policy, or under all.

        With `history` all that were ever given, in the order of saving, those of removed posts last.
        A row that cannot be read is skipped and logged.
        """
        condition = _condition(policy=None if policy is None else [policy], item=ids)
        if not history:
            condition = " and ".join([*([condition] if condition else []), "removed_at is null"])
        columns = ["id", "item", "policy", "strategy", "model", "judged_at"]
        found = [row for batch in self._record_batches("verdicts", columns, condition) for row in batch.to_pylist()]
        newest = {} if history else _newest(found)
        for row in self.stream("verdicts", ["id", "json"], condition):
            if history or row["id"] in newest:
                yield from self._readable("verdicts", row, lambda row: Verdict.model_validate_json(row["json"]))

    # The whole

    def check(self) -> list[Problem]:
        """Look at every file and row; give what is damaged, missing or left over."""
        return health.check(self)

    def repair(self) -> list[Problem]:
        """Rebuild what can be derived and save what can be read; give what was wrong, with what is lost by it."""
        with self._lock:
            return health.repair(self)

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

    def stream(self, name: str, columns: list[str] | None = None, where: str | None = None) -> Iterator[dict[str, Any]]:
        """Stream rows of a table, some columns of those that a condition holds for."""
        for batch in self._record_batches(name, columns, where):
            with naming_faults(self.uri, name):
                rows = batch.to_pylist()
            yield from rows

    def _record_batches(self, name: str, columns: list[str] | None, where: str | None) -> Iterator[pa.RecordBatch]:
        """Stream some columns of some rows."""
        query = self.table(name).search()
        query = query.where(where) if where else query
        query = query.select(columns) if columns else query
        heavy = not columns or {"json", "data"} & set(columns)
        yield from query.limit(None).to_batches(batch_size=256 if heavy else 8192)

    def _readable(self, name: str, row: dict[str, Any], parse: Callable[[dict[str, Any]], T]) -> Iterator[T]:
        """Yield what a row holds; one that cannot be read is skipped and logged, so that it stops nothing."""
        try:
            yield parse(row)
        except (ValueError, TypeError, KeyError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            _logger.warning("%s: the row %r of the table %s is skipped: %s", self.uri, row.get("id"), name, reason)

    def _present(self, name: str, key: str, values: list[str]) -> set[str]:
        found = self.stream(name, [key], f"{key} in {sql_list(values)}") if values else []
        return {row[key] for row in found}

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._lock.check()
            self.table(name).add(pa.Table.from_pylist(rows, tables.SCHEMAS[name]))
            self._upkeep.written(name, self.table(name))

    def table_names(self) -> list[str]:
        """Names of all tables, those of encoders too."""
        with naming_faults(self.uri, "items"):
            return list(self._database.table_names(limit=10_000))

    def upsert(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Insert rows, and replace those of the same id; the caller holds the writer's lock."""
        if rows:
            self.upsert_rows(name, pa.Table.from_pylist(rows, tables.SCHEMAS[name]))

    def delete(self, name: str, condition: str) -> int:
        """Delete the rows of a table that a condition names, if there are any; gives how many there were."""
        count: int = self.table(name).count_rows(condition)
        if count:
            self._lock.check()
            self.table(name).delete(condition)
        return count

    def derived(self, name: str) -> Any | None:
        """The table of that name, made from others by a verb such as `duplicates`; None if it is not made."""
        return self.table(name) if name in self._tables or name in self.table_names() else None

    def save_derived(self, name: str, rows: pa.Table, replaced: str | None = None) -> None:
        """Append rows to a derived table in place of those that a condition names; the table is made on first use."""
        with self._lock:
            if self.derived(name) is None:
                with naming_faults(self.uri, name):
                    self._database.create_table(name, schema=rows.schema, exist_ok=True)
            if replaced is not None:
                self.delete(name, replaced)
            if rows.num_rows:
                self._lock.check()
                self.table(name).add(rows)
                self._upkeep.written(name, self.table(name))

    def delete_derived(self, name: str, condition: str) -> None:
        """Delete the rows of a derived table that a condition names."""
        with self._lock:
            self.delete(name, condition)

    def upsert_rows(self, name: str, rows: pa.Table) -> None:
        """Insert rows into a table, and replace those of the same id; the caller holds the writer's lock."""
        if rows.num_rows:
            self._lock.check()
            merge = self.table(name).merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(rows)
            self._upkeep.written(name, self.table(name))


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlciatoError(
            f"the folder of the collection cannot be made ({error.strerror or error}).",
            where=str(path),
            remedy="Name another one with `--collection`, or make its parent writable.",
        ) from error


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


def _item_of(row: Mapping[str, Any]) -> Item:
    return Item.model_validate_json(row["json"])


def _now() -> datetime:
    return datetime.now(UTC)


def _newest(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of the newest row of each item, policy, strategy and model; of two of one time the later row."""
    newest: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        place = (row["item"], row["policy"], row["strategy"], row["model"])
        if place not in newest or row["judged_at"] >= newest[place]["judged_at"]:
            newest[place] = row
    return {row["id"] for row in newest.values()}


def _condition(**wanted: Sequence[str] | None) -> str | None:
    """SQL condition: each column among its values; None does not restrict."""
    parts = [
        f"{column} in {sql_list(values)}" if values else "false"
        for column, values in wanted.items()
        if values is not None
    ]
    return " and ".join(parts) or None
