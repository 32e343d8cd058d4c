"""Vector columns of the segments: made when an encoder first writes, remade when another one does.

A column carries the name and the fingerprint of the encoder that made it, so that vectors of two encoders
never stand side by side: with another encoder the column starts empty and reading fills it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pyarrow as pa


class VectorSource(Protocol):
    """What the store has to know of an encoder."""

    name: str
    fingerprint: str
    dimension: int


def made_by(table: Any, column: str) -> tuple[str, str] | None:
    """Name and fingerprint of the encoder behind a vector column; None if there is no such column."""
    schema = table.schema  # asked for once: it goes to the disk
    if column not in schema.names:
        return None
    metadata = schema.field(column).metadata or {}
    return metadata[b"encoder"].decode(), metadata[b"fingerprint"].decode()


def with_vectors(
    table: Any, rows: pa.Table, column: str, source: VectorSource | None, vectors: Mapping[str, np.ndarray[Any, Any]]
) -> pa.Table:
    """Give the rows a vector column as the table has it; rows without a vector get null.

    The table gets the column from `source` if it has none, or one by another encoder.
    """
    if source is not None and made_by(table, column) != (source.name, source.fingerprint):
        _start_column(table, column, source)
    if column not in table.schema.names:
        return rows
    field = table.schema.field(column)
    values = [vectors.get(id_) for id_ in rows["id"].to_pylist()]
    return rows.append_column(field, _vector_array(values, field.type))


def _vector_array(values: list[np.ndarray[Any, Any] | None], kind: pa.DataType) -> pa.Array:
    flat = np.zeros((len(values), kind.list_size), dtype=np.float32)
    mask = np.array([value is None for value in values], dtype=bool)
    for row, value in enumerate(values):
        if value is not None:
            flat[row] = value
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), type=kind, mask=pa.array(mask))


def _start_column(table: Any, column: str, source: VectorSource) -> None:
    if column in table.schema.names:
        table.drop_columns([column])
    stamp = {b"encoder": source.name.encode(), b"fingerprint": source.fingerprint.encode()}
    table.add_columns(pa.field(column, pa.list_(pa.float32(), source.dimension), nullable=True, metadata=stamp))
