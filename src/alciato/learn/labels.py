"""Class of each post, from its metadata or from a table that names posts by id or file."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Media
from alciato.item.columns import Columns, find_columns


def label_table(path: Path) -> dict[str, str]:
    """Read a table of labels: name of a post (id, or file) → class. Cells without a label are left out.

    Columns are found by their usual names: `id`; `file`, `image`, `path` and the like; `label`, `class`.

    Raises:
        UsageError: the table or its columns are not there.
        AlciatoError: one post has two different labels.
    """
    names, rows = _rows(path)
    columns = find_columns(names)
    keys = [name for name in (columns.id, *columns.media) if name]
    if columns.label is None or not keys:
        missing = "label" if columns.label is None else "id or file"
        remedy = f"Its columns are {', '.join(names)}; name one `label` and one `id` or `file`."
        raise UsageError(f"it has no column of {missing}s.", where=str(path), remedy=remedy)
    found: dict[str, str] = {}
    for row in rows:
        label = as_class(row.get(columns.label))
        if label is None:
            continue
        for key in _keys(row, columns):
            if found.setdefault(key, label) != label:
                raise AlciatoError(
                    f"{key!r} has two labels, {found[key]!r} and {label!r}.", where=str(path), remedy="Keep one."
                )
    return found


def labels_of(
    items: Iterable[Item], named: Mapping[str, str] | None, field: str, skipped: Counter[str]
) -> dict[str, str]:
    """Give the class of each item that has one; count those without, and labels that name no item."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for item in items:
        keys = [name for name in names_of(item) if named and name in named]
        label = named[keys[0]] if named is not None and keys else as_class(item.metadata.get(field))
        used.update(keys)
        if label is None:
            skipped["without a label"] += 1
        else:
            found[item.id] = label
    stray = [key for key in named or () if key not in used]
    if stray:
        skipped["labels of no post"] += len(stray)
    return found


def as_class(value: object) -> str | None:
    """Name of a class as it stands in a cell: 1, 1.0 and "1" are one; None, NaN and blanks are no label."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list | dict):
        raise UsageError(f"a label is {json.dumps(value)[:60]}, but one class is needed.")
    return str(value).strip() or None


def names_of(item: Item) -> list[str]:
    """What a table may call an item: its id, names of its media, the file it came from and that file's path's ends."""
    names = [item.id, *(part.name for part in item.parts if isinstance(part, Media) and part.name)]
    if item.source:
        parts = Path(item.source).parts
        names += ["/".join(parts[-count:]) for count in range(1, min(4, len(parts)) + 1)]
    return names


def _keys(row: Mapping[str, Any], columns: Columns) -> list[str]:
    """Names under which a row speaks of a post."""
    cells = [row.get(name) for name in (columns.id, *columns.media) if name]
    return [str(cell).replace("\\", "/").removeprefix("./") for cell in cells if cell not in (None, "")]


def _rows(path: Path) -> tuple[Sequence[str], Iterator[Mapping[str, Any]]]:
    """Columns and rows of a table by its extension."""
    if not path.is_file():
        raise UsageError("there is no such table of labels.", where=str(path), remedy="Check the path.")
    if path.suffix.lower() in (".parquet", ".pq"):
        from pyarrow import parquet

        table = parquet.read_table(path)
        return table.column_names, iter(table.to_pylist())
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        return list(dict.fromkeys(name for row in rows for name in row)), iter(rows)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter)
    return list(reader.fieldnames or ()), iter(reader)
