"""Tables of posts: JSONL, JSON lists, CSV and Parquet → a post a row. A table without words or media is one item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alciato.errors import BadMedia, unknown_name
from alciato.item import Item, Post, Table
from alciato.item.columns import find_columns
from alciato.item.item import content_id
from alciato.item.values import clean_text, json_value
from alciato.settings import Limits
from alciato.sources.beside import Beside
from alciato.sources.datasets import from_row
from alciato.sources.files import Found
from alciato.sources.rows import CsvTable, ParquetTable, Row
from alciato.sources.skipped import Skipped, skipped


@dataclass(frozen=True)
class TableReader:
    """What reading a table of posts needs: limits, the mapping of columns, and the set of files that tables name.

    `given` has the hashes of ids and contents of the tables before, so that two tables of the same rows give each once.
    """

    limits: Limits
    mapping: Mapping[str, str] | None
    named: set[str]
    given: set[tuple[int, int]] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    """Names of columns of all tables so far, as far as a mapping needs them."""

    def columned(self, found: Found, table: CsvTable | ParquetTable) -> Iterator[Post | Skipped]:
        """Yield the posts of a table with one set of columns; or the table as one item."""
        self.seen.update(table.columns)
        if find_columns(table.columns, self.mapping).hold_posts:
            yield from self.posts(found, table.rows())
        elif self.mapping:
            message = f"none of its columns ({', '.join(table.columns[:12])}) is mapped to words or media."
            raise BadMedia("no-columns", message, remedy="Map one, such as --map text=COLUMN.")
        else:
            yield self._whole(found, table)

    def check_mapping(self) -> None:
        """Raise `UsageError` where the mapping names a column that no table so far has."""
        for column in (self.mapping or {}).values():
            if column not in self.seen:
                raise unknown_name("column of these tables", column, sorted(self.seen))

    def posts(self, found: Found, rows: Iterator[Row]) -> Iterator[Post | Skipped]:
        """Yield the post of each row, or why it is skipped."""
        contents: dict[int, int] = {}  # hashes only, so that a million rows stay small
        count = -1
        for count, (number, values) in enumerate(rows):
            if count >= self.limits.rows:
                raise BadMedia(
                    "too-many-rows", f"rows after the first {count} are left out.", remedy="Split the table."
                )
            try:
                if isinstance(values, BadMedia):
                    raise values
                if self.mapping:
                    self.seen.update(values)
                post = self._post(found, values)
                _check_new(post.item, contents)
            except BadMedia as error:
                yield skipped(found.path, error, number)
            else:
                one = hash(post.item.id)
                if (one, contents[one]) not in self.given:  # another table, such as a Parquet copy, has the same row
                    yield post
        self.given.update(contents.items())
        if count < 0:
            raise BadMedia("empty", "it has no rows.")

    def _post(self, found: Found, values: Mapping[str, Any]) -> Post:
        beside = Beside(found, self.limits, self.named)
        post = from_row(values, self.mapping, open_path=beside, limits=self.limits)
        table = clean_text(str(found.path))
        place = {"source": clean_text(str(beside.last)) if beside.last else table, "table": table}
        return Post(post.item.model_copy(update={"metadata": {**post.item.metadata, **place}}), post.media)

    def _whole(self, found: Found, table: CsvTable | ParquetTable) -> Post:
        columns = tuple(clean_text(name) for name in table.columns)
        rows: list[tuple[Any, ...]] = []
        for number, values in table.rows():
            if isinstance(values, BadMedia):
                raise BadMedia("bad-row", f"row {number}: {values.what}")
            rows.append(tuple(_cell(values[name]) for name in table.columns))
            if len(rows) * len(columns) > self.limits.cells:
                message = f"it has more than {self.limits.cells} cells, and no column of words or media."
                raise BadMedia("too-many-cells", message, remedy="Map a column (--map text=COLUMN) to take its rows.")
        if not rows:
            raise BadMedia("empty", "it has no rows.")
        part = Table(columns=columns, rows=tuple(rows), name=clean_text(found.path.name))
        path = clean_text(str(found.path))
        return Post(Item.of([part], {"source": path, "name": clean_text(found.path.name)}))


def _cell(value: Any) -> Any:
    value = json_value(value)
    return str(value) if isinstance(value, list | dict) else value


def _check_new(item: Item, contents: dict[int, int]) -> None:
    """Refuse a second content under one id; the same content again is no harm."""
    content = hash(content_id(item.parts))
    if contents.setdefault(hash(item.id), content) != content:
        message = f"the id {item.id[:100]!r} stands for another row already."
        raise BadMedia("duplicate-id", message, remedy="Give each row its own id.")
