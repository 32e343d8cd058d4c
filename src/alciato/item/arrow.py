"""Items ↔ Arrow, exactly. Parts keep their fields as typed columns; metadata and the cells of tables are JSON text.

Schema: id string, parts list<struct<type, text, name, media, mime, width, height, duration, columns, rows>>,
metadata string, links list<struct<kind, target>>. A field that a part does not have is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from alciato.item.item import Item
from alciato.item.parts import Part

if TYPE_CHECKING:
    import pyarrow as pa

_PART: TypeAdapter[Part] = TypeAdapter(Part)


@cache
def item_schema() -> pa.Schema:
    """Return the schema of `items_to_arrow`."""
    import pyarrow as pa

    part = pa.struct(
        [
            pa.field("type", pa.string(), nullable=False),
            *(pa.field(name, pa.string()) for name in ("text", "name", "media", "mime")),
            pa.field("width", pa.int64()),
            pa.field("height", pa.int64()),
            pa.field("duration", pa.float64()),
            pa.field("columns", pa.list_(pa.string())),
            pa.field("rows", pa.string()),
        ]
    )
    link = pa.struct([pa.field(name, pa.string(), nullable=False) for name in ("kind", "target")])
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("parts", pa.list_(part), nullable=False),
            pa.field("metadata", pa.string(), nullable=False),
            pa.field("links", pa.list_(link), nullable=False),
        ]
    )


def items_to_arrow(items: Iterable[Item]) -> pa.Table:
    """Build a table with one row an item, in order. `items_from_arrow` gives the same items back."""
    import pyarrow as pa

    return pa.Table.from_pylist([_row(item) for item in items], schema=item_schema())


def items_from_arrow(table: pa.Table) -> Iterator[Item]:
    """Yield the items of a table that `items_to_arrow` built, in order."""
    for batch in table.to_batches():
        for row in batch.to_pylist():
            parts = tuple(_PART.validate_python(_fields(part)) for part in row["parts"])
            yield Item(id=row["id"], parts=parts, metadata=json.loads(row["metadata"]), links=row["links"])


def _row(item: Item) -> dict[str, Any]:
    parts = [part.model_dump(mode="json") for part in item.parts]
    for part in parts:
        if "rows" in part:
            part["rows"] = _json(part["rows"])
    links = [link.model_dump() for link in item.links]
    return {"id": item.id, "parts": parts, "metadata": _json(item.metadata), "links": links}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _fields(part: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in part.items() if value is not None}
    if "rows" in fields:
        fields["rows"] = json.loads(fields["rows"])
    return fields
