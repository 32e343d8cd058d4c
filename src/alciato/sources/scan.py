"""Files and folders → posts, in a fixed order, one file in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alciato.errors import BadMedia
from alciato.item import Item, Post
from alciato.item.values import clean_text
from alciato.media.part import media_part
from alciato.media.sniff import HEAD, FileKind, honest_kind, promised_kind
from alciato.settings import Limits
from alciato.sources.files import Found, open_file, read_file, walk
from alciato.sources.rows import CsvTable, ParquetTable, jsonl_rows
from alciato.sources.skipped import Skipped, skipped
from alciato.sources.tables import TableReader
from alciato.sources.texts import text_post


def scan(
    paths: Iterable[str | os.PathLike[str]],
    limits: Limits | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Iterator[Post | Skipped]:
    """Yield every post under the paths, and what is skipped, each once.

    Tables of posts come first, then the files that no table named. `mapping` gives the column of a field (`text`,
    `image`, `id` …) where the usual names do not hold. Nothing that a file holds stops the scan.

    Raises:
        UsageError: `mapping` names a field that does not exist, or a column that no table has.
    """
    limits = limits or Limits()
    scanner = _Scanner(limits, TableReader(limits, mapping, set()))
    loose: list[Found] = []
    tables: list[Found] = []
    for found in walk(paths):
        if isinstance(found, Skipped):
            yield found
        else:
            (tables if _names_a_table(found.path) else loose).append(found)
    if mapping and tables:
        scanner.check_columns(tables)
    for found in tables:
        yield from scanner.take(found)
    if mapping and tables:
        scanner.tables.check_mapping()
    for found in loose:
        if os.path.realpath(found.path) not in scanner.tables.named:
            yield from scanner.take(found)


_STATING_COLUMNS = frozenset({"csv", "tsv", "parquet", "pq"})
_TABLES = _STATING_COLUMNS | {"jsonl", "ndjson", "json"}


def _extension(path: Path) -> str:
    return path.suffix.lower().lstrip(".")


def _names_a_table(path: Path) -> bool:
    return _extension(path) in _TABLES


@dataclass(frozen=True)
class _Scanner:
    limits: Limits
    tables: TableReader

    def check_columns(self, tables: Iterable[Found]) -> None:
        """Raise `UsageError` before anything is taken, if all tables state their columns and none has a mapped one."""
        for found in tables:
            if _extension(found.path) not in _STATING_COLUMNS:
                return  # JSON: its names are known when its rows have been read
            with suppress(BadMedia):  # it is reported when it is taken
                csv = _extension(found.path) in ("csv", "tsv")
                table = CsvTable(found.path, self.limits) if csv else ParquetTable(found.path, self.limits)
                self.tables.seen.update(table.columns)
        self.tables.check_mapping()

    def take(self, found: Found) -> Iterator[Post | Skipped]:
        """Yield what one file gives."""
        try:
            with open_file(found.path, max(self.limits.bytes, self.limits.table_bytes)) as file:
                head = file.read(HEAD)
            kind = honest_kind(head, found.path.name)
            yield from self._by_family(kind)(found, kind)
        except BadMedia as error:
            yield skipped(found.path, error)

    def _by_family(self, kind: FileKind) -> Callable[[Found, FileKind], Iterator[Post | Skipped]]:
        families: dict[str, Callable[[Found, FileKind], Iterator[Post | Skipped]]] = {
            "picture": self._media,
            "clip": self._media,
            "pages": self._pages,
            "table": self._parquet,
            "text": self._text,
        }
        return families.get(kind.family, self._unknown)

    def _media(self, found: Found, _kind: FileKind) -> Iterator[Post | Skipped]:
        data = read_file(found.path, self.limits.bytes)
        part = media_part(data, clean_text(found.path.name), self.limits)
        yield Post(Item.of([part], {"source": clean_text(str(found.path))}), {part.media: data})

    def _pages(self, found: Found, _kind: FileKind) -> Iterator[Post | Skipped]:
        from alciato.sources.pages import pages_post

        data = read_file(found.path, self.limits.bytes)
        yield _from(found, pages_post(data, clean_text(found.path.name), self.limits))

    def _parquet(self, found: Found, _kind: FileKind) -> Iterator[Post | Skipped]:
        yield from self.tables.columned(found, ParquetTable(found.path, self.limits))

    def _text(self, found: Found, kind: FileKind) -> Iterator[Post | Skipped]:
        extension = _extension(found.path)
        if extension in ("jsonl", "ndjson"):
            yield from self.tables.posts(found, jsonl_rows(found.path, self.limits))
        elif extension in ("csv", "tsv"):
            yield from self.tables.columned(found, CsvTable(found.path, self.limits))
        elif extension == "json":
            from alciato.sources.telegram import json_posts

            yield from json_posts(found, self.tables)
        elif promised_kind(found.path.name) is kind:
            yield _from(found, text_post(read_file(found.path, self.limits.text_bytes), clean_text(found.path.name)))
        else:
            yield from self._unknown(found, kind)

    def _unknown(self, found: Found, kind: FileKind) -> Iterator[Post | Skipped]:
        if kind.family == "archive" and not found.path.suffix:
            raise BadMedia("archive", f"a {kind.name} archive is not opened.", remedy="Unpack it and add the folder.")
        what = f"{kind.name} named {found.path.suffix or 'without an extension'}"
        raise BadMedia("unknown-kind", f"{what} is not a kind of file that is taken.")


def _from(found: Found, post: Post) -> Post:
    """Note the file that a post came from."""
    metadata = {**post.item.metadata, "source": clean_text(str(found.path))}
    return Post(post.item.model_copy(update={"metadata": metadata}), post.media)
