"""`Found`: all that was read of one item, and its form as a row on the way from a worker to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alciato.item import Reading, Segment

Vectors = dict[str, NDArray[np.float32]]
ROW = pa.struct(
    {
        "readings": pa.string(),
        "segments": pa.string(),
        "replaced": pa.string(),
        "vector_ids": pa.list_(pa.string()),
        "vectors": pa.binary(),
        "visual_ids": pa.list_(pa.string()),
        "visual": pa.binary(),
    }
)


@dataclass
class Found:
    """New readings of items, the segments that they make, vectors by segment id, and by item the segments replaced."""

    readings: list[Reading] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    vectors: Vectors = field(default_factory=dict)
    visual: Vectors = field(default_factory=dict)
    replaced: dict[str, list[str]] = field(default_factory=dict)
    """Kinds of segment that these readings replace, by item."""

    def row(self) -> dict[str, Any]:
        """Write it as a row of `ROW`: JSON for what is typed, raw float32 for vectors."""
        return {
            "readings": json.dumps([reading.model_dump(mode="json", exclude_none=True) for reading in self.readings]),
            "segments": json.dumps([segment.model_dump(mode="json", exclude_none=True) for segment in self.segments]),
            "replaced": json.dumps(self.replaced),
            "vector_ids": list(self.vectors),
            "vectors": _bytes(self.vectors),
            "visual_ids": list(self.visual),
            "visual": _bytes(self.visual),
        }

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Found:
        """Read it back from its row."""
        return cls(
            [Reading.model_validate(reading) for reading in json.loads(row["readings"])],
            [Segment.model_validate(segment) for segment in json.loads(row["segments"])],
            _vectors(row["vector_ids"], row["vectors"]),
            _vectors(row["visual_ids"], row["visual"]),
            json.loads(row["replaced"]),
        )


def together(found: Sequence[Found]) -> Found:
    """Join what was read of several items."""
    whole = Found()
    for one in found:
        whole.readings += one.readings
        whole.segments += one.segments
        whole.vectors |= one.vectors
        whole.visual |= one.visual
        whole.replaced |= one.replaced
    return whole


def _bytes(vectors: Vectors) -> bytes:
    return b"".join(np.asarray(vector, "<f4").tobytes() for vector in vectors.values())


def _vectors(ids: Sequence[str], data: bytes) -> Vectors:
    if not ids:
        return {}
    matrix = np.frombuffer(data, "<f4").reshape(len(ids), -1)
    return dict(zip(ids, matrix, strict=True))
