"""Check and repair: every file and row of a collection looked at; what can be derived is built again.

Text, key and vector indexes come from the rows, segments from the readings, embeddings from the segments. Items, media,
readings and verdicts come from outside: of these every row that can still be read is saved, and the rest is named.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from alciato.errors import AlciatoError
from alciato.item import Item, Verdict
from alciato.item.reading import ENCODE_KINDS
from alciato.store import tables
from alciato.store.embeddings import PREFIX, table_name
from alciato.store.faults import DamagedStore, broken_files, lost_with, naming_faults
from alciato.store.maintain import maintain
from alciato.store.tables import sql_list

if TYPE_CHECKING:
    from alciato.store.collection import Collection

PARSERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "items": lambda row: Item.model_validate_json(row["json"]),
    "readings": tables.reading_of,
    "segments": tables.segment_of,
    "verdicts": lambda row: Verdict.model_validate_json(row["json"]),
}
DERIVED = ("segment", *ENCODE_KINDS)
"""Kinds of reading that say that something stands in the store which can be derived again."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what, and what is lost by it (empty where nothing is).

    `part` is what is damaged: `table`, `index`, `versions` (older ones), `rows`, `media`, `missing` (media) or `links`
    (rows that speak of items which are gone).
    """

    table: str
    part: str
    where: str
    what: str
    lost: str = ""


def check(collection: Collection) -> list[Problem]:
    """Read everything once: tables, rows, indexes, the bytes of media, and whether the tables fit together."""
    problems: list[Problem] = []
    names = _names(collection)
    for name in names:
        problems += _check_table(collection, name)
    broken = {problem.table for problem in problems if problem.part == "table"}
    if not broken & {"items", "media"}:
        problems += _check_media(collection)
    for name in names:
        # readings of posts that were lost are kept, in case these are added again
        unlinked = {"items", "media", "verdicts", "readings", *tables.DERIVED} - set(tables.BY_MEDIUM)
        if name not in unlinked | broken and not broken & _needed(name):
            problems += _check_links(collection, name)
    return problems


def repair(collection: Collection) -> list[Problem]:
    """Repair what `check` finds, under the writer's lock; the problems say what was lost.

    A damaged table of a folder is not deleted: it is moved beside the collection's tables, to `damaged-TIME-TABLE`.
    """
    problems = check(collection)
    for problem in problems:
        if problem.part == "table":
            _rescue(collection, problem.table)
    for problem in problems:
        if problem.part == "index":
            _drop_indexes(collection, problem.table)
        if problem.part == "versions":
            _drop_versions(collection, problem.table)
    for problem in problems:
        if problem.part == "rows" and problem.table in PARSERS:
            _drop_unreadable(collection, problem.table)
        if problem.part == "media":
            collection.delete("media", f"sha in {sql_list([problem.where])}")
    if problems:
        _unlink(collection)
        maintain(collection)
    return problems


def _needed(name: str) -> set[str]:
    """The tables that the links of a table are compared with."""
    return {"media"} if name in tables.BY_MEDIUM else {"items"}


def _names(collection: Collection) -> list[str]:
    there = collection.table_names()
    further = (name for name in there if name.startswith(PREFIX) or name in tables.DERIVED)
    return [*tables.SCHEMAS, *further]


# Looking


def _check_table(collection: Collection, name: str) -> Iterator[Problem]:
    unreadable: list[str] = []
    try:
        if name in tables.DERIVED:  # millions of rows of numbers: reading them is the check
            for batch in collection.table(name).search().limit(None).to_batches():
                batch.validate(full=True)
        else:
            unreadable = _unreadable(collection, name)
    except AlciatoError as error:
        yield Problem(name, "table", error.where or name, error.what, lost_with(name))
        return
    if unreadable:
        shown = ", ".join(unreadable[:5])
        yield Problem(name, "rows", shown, f"{len(unreadable)} rows of {name} cannot be read.", lost_with(name))
    yield from _check_indexes(collection, name)
    yield from _check_versions(collection, name)


def _unreadable(collection: Collection, name: str) -> list[str]:
    """Ids of the rows of a table that do not hold what they should."""
    parse = PARSERS.get(name, dict)
    found = []
    for row in collection.stream(name):
        try:
            parse(row)
        except (ValueError, TypeError, KeyError):
            found.append(str(row.get("id")))
    return found


def _check_indexes(collection: Collection, name: str) -> Iterator[Problem]:
    table = collection.table(name)
    try:
        indexes = table.list_indices()
        for index in indexes:
            table.index_stats(index.name)
            table.prewarm_index(index.name)
        folder = Path(collection.uri, f"{name}.lance", "_indices")
        cut = list(broken_files(folder)) if "://" not in collection.uri and folder.exists() else []
        missing = _missing_text_indexes(name, indexes)
    except AlciatoError as error:
        yield Problem(name, "index", error.where or name, f"an index of {name} cannot be read.")
        return
    if cut or missing:
        yield Problem(name, "index", str(cut[0]) if cut else f"{name}.lance", f"an index of {name} is damaged.")


def _check_versions(collection: Collection, name: str) -> Iterator[Problem]:
    """Older versions of a table: upkeep reads their manifests."""
    try:
        collection.table(name).list_versions()
    except AlciatoError as error:
        yield Problem(name, "versions", error.where or name, f"an older version of {name} cannot be read.")


def _missing_text_indexes(name: str, indexes: Any) -> bool:
    there = {column for index in indexes for column in index.columns}
    return name == "segments" and not {"words", "grams"} <= there


def _check_media(collection: Collection) -> Iterator[Problem]:
    """Hash the bytes of every medium, and look for each that an item names."""
    there = set()
    for row in collection.stream("media", ["sha", "data"]):
        there.add(row["sha"])
        if hashlib.sha256(row["data"]).hexdigest() != row["sha"]:
            yield Problem("media", "media", row["sha"], "its bytes are not what they were.", lost_with("media"))
    for row in collection.stream("items", ["id", "media"]):
        for sha in row["media"] or ():
            if sha not in there:
                what = f"the medium {sha} is missing."
                yield Problem("media", "missing", row["id"], what, f"the bytes of {row['id']}: add its file again")


def _check_links(collection: Collection, name: str) -> Iterator[Problem]:
    """Rows that speak of items, or of media, which are not there."""
    if name in tables.BY_MEDIUM:
        media = _lost_media(collection, name)
        if media:
            yield Problem(
                name, "links", media[0], f"{len(media)} media that {name} speaks of are not in the collection."
            )
        return
    known = {row["id"] for row in collection.stream("items", ["id"])}
    lost = {row["item"] for row in collection.stream(name, ["item"])} - known
    if lost:
        yield Problem(name, "links", min(lost), f"{len(lost)} posts that {name} speaks of are not in the collection.")


def _lost_media(collection: Collection, name: str) -> list[str]:
    """Media that a table made from media speaks of and that are not there."""
    known = {row["sha"] for row in collection.stream("media", ["sha"])}
    return sorted({row["medium"] for row in collection.stream(name, ["medium"])} - known)


# Repairing


def _rescue(collection: Collection, name: str) -> None:
    """Save the rows of a damaged table that can be read; derived tables are emptied, to be built again."""
    derived = name == "segments" or name.startswith(PREFIX) or name in tables.DERIVED
    rows = [] if derived else list(_readable_rows(collection, name))
    _set_aside(collection, name)
    if name in tables.DERIVED:
        return  # made again by the verb that needs it
    if name.startswith(PREFIX):
        _forget_encoder(collection, name)
        return
    collection.create_table(name)
    collection.forget_tables()
    for batch in rows:
        collection.table(name).add(batch.cast(tables.SCHEMAS[name]))
    if name == "segments":
        _forget_derived(collection, None)
        for item in collection.items():
            filters = tables.filter_columns(item)
            collection.upsert("segments", [tables.segment_row(one, filters) for one in tables.body_segments(item)])


def _readable_rows(collection: Collection, name: str) -> Iterator[pa.Table]:
    """Rows of the newest version that opens, in pieces that get smaller around what is damaged."""
    for table in _versions(collection, name):
        try:
            total = table.count_rows()
        except AlciatoError:
            continue
        yield from _pieces(table, 0, total)
        return


def _versions(collection: Collection, name: str) -> Iterator[Any]:
    """The table as it is, then as it was: where the newest manifest is damaged, it is moved out of the way."""
    folder = Path(collection.uri, f"{name}.lance", "_versions")
    manifests = sorted(folder.glob("*.manifest")) if "://" not in collection.uri else []  # the newest first
    for manifest in [None, *manifests]:
        if manifest is not None:
            manifest.rename(manifest.with_suffix(".damaged"))
        collection.forget_tables()
        try:
            yield collection.table(name)
        except AlciatoError:
            continue


def _pieces(table: Any, start: int, count: int) -> Iterator[pa.Table]:
    if count == 0:
        return
    try:
        found = table.search().offset(start).limit(count).to_arrow()
        found.validate(full=True)
    except (AlciatoError, pa.ArrowException):
        if count > 1:
            half = count // 2
            yield from _pieces(table, start, half)
            yield from _pieces(table, start + half, count - half)
        return
    yield found


def _set_aside(collection: Collection, name: str) -> None:
    collection.forget_tables()
    folder = Path(collection.uri, f"{name}.lance")
    if "://" not in collection.uri:
        if folder.exists():
            with naming_faults(collection.uri, name):
                shutil.move(folder, Path(collection.uri, f"damaged-{time.strftime('%Y%m%dT%H%M%S')}-{name}"))
    elif name in collection.table_names():
        collection.drop_table(name)


def _forget_encoder(collection: Collection, name: str) -> None:
    """Drop what says that an encoder has encoded anything: its table is gone."""
    kinds = f"kind in {sql_list(ENCODE_KINDS)}"
    versions = {row["version"] for row in collection.stream("readings", ["version"], kinds)}
    gone = [version for version in versions if table_name(version) == name]
    if gone:
        collection.delete("readings", f"{kinds} and version in {sql_list(gone)}")


def _forget_derived(collection: Collection, items: list[str] | None) -> None:
    """Let the next `read` build segments and embeddings again, of some items or of all; media are not read again."""
    among = "" if items is None else f" and item in {sql_list(items)}"
    try:
        collection.delete("readings", f"kind in {sql_list(DERIVED)}{among}")
    except DamagedStore:  # rescued after this table, and emptied of them then
        _rescue(collection, "readings")
        collection.delete("readings", f"kind in {sql_list(DERIVED)}{among}")


def _drop_indexes(collection: Collection, name: str) -> None:
    """Drop the indexes of a table; upkeep makes them again from the rows."""
    table = collection.table(name)
    for index in table.list_indices():
        table.drop_index(index.name)
    folder = Path(collection.uri, f"{name}.lance", "_indices")
    for path in list(broken_files(folder)) if "://" not in collection.uri and folder.exists() else []:
        path.unlink()  # no index of the table uses it any longer


def _drop_versions(collection: Collection, name: str) -> None:
    """Move the manifests of all versions but the newest out of the way; the newest needs none of them."""
    if "://" not in collection.uri:
        manifests = sorted(Path(collection.uri, f"{name}.lance", "_versions").glob("*.manifest"))  # the newest first
        for manifest in manifests[1:]:
            manifest.rename(manifest.with_suffix(".damaged"))
    collection.forget_tables()


def _drop_unreadable(collection: Collection, name: str) -> None:
    gone = _unreadable(collection, name)
    for start in range(0, len(gone), 500):
        collection.delete(name, f"id in {sql_list(gone[start : start + 500])}")


def _unlink(collection: Collection) -> None:
    """Drop segments, embeddings and features of what is gone; readings stay, in case the posts are added again."""
    known = {row["id"] for row in collection.stream("items", ["id"])}
    for name in _names(collection):
        if name in tables.BY_MEDIUM:
            gone = _lost_media(collection, name)
            for start in range(0, len(gone), 500):
                collection.delete(name, f"medium in {sql_list(gone[start : start + 500])}")
        if name == "segments" or name.startswith(PREFIX):
            lost = sorted({row["item"] for row in collection.stream(name, ["item"])} - known)
            for start in range(0, len(lost), 500):
                part = lost[start : start + 500]
                collection.delete(name, f"item in {sql_list(part)}")
                _forget_derived(collection, part)
