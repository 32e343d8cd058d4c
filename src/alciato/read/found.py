"""`Found`: all that was read of one item, and its form as a row on the way from a worker to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alciato.item import Reading, Segment
from alciato.store.embeddings import EncoderInfo

Vectors = dict[str, NDArray[np.float32]]
_EMBEDDINGS = pa.struct(
    {
        "encoder": pa.string(),
        "fingerprint": pa.string(),
        "dimension": pa.int32(),
        "ids": pa.list_(pa.string()),
        "vectors": pa.binary(),
    }
)
ROW = pa.struct(
    {
        "readings": pa.string(),
        "segments": pa.string(),
        "replaced": pa.string(),
        "embeddings": pa.list_(_EMBEDDINGS),
    }
)


class EncodedBy(NamedTuple):
    """What stands beside vectors: the encoder that made them."""

    name: str
    fingerprint: str
    dimension: int


@dataclass
class Found:
    """New readings of an item, the segments that they make, and vectors by encoder and segment id.

    `replaced` gives for an item the kinds of segment that were made anew: stored ones of these kinds go.
    """

    readings: list[Reading] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    replaced: dict[str, list[str]] = field(default_factory=dict)
    embeddings: dict[EncodedBy, Vectors] = field(default_factory=dict)

    def add_vector(self, encoder: EncoderInfo, segment: str, vector: NDArray[np.float32]) -> None:
        """Keep the vector of a segment."""
        made_by = EncodedBy(encoder.name, encoder.fingerprint, encoder.dimension)
        self.embeddings.setdefault(made_by, {})[segment] = vector

    def row(self) -> dict[str, Any]:
        """Write it as a row of `ROW`: JSON for what is typed, raw float32 for vectors."""
        return {
            "readings": json.dumps([reading.model_dump(mode="json", exclude_none=True) for reading in self.readings]),
            "segments": json.dumps([segment.model_dump(mode="json", exclude_none=True) for segment in self.segments]),
            "replaced": json.dumps(self.replaced),
            "embeddings": [
                {
                    "encoder": made_by.name,
                    "fingerprint": made_by.fingerprint,
                    "dimension": made_by.dimension,
                    "ids": list(vectors),
                    "vectors": b"".join(np.asarray(vector, "<f4").tobytes() for vector in vectors.values()),
                }
                for made_by, vectors in self.embeddings.items()
            ],
        }

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Found:
        """Read it back from its row."""
        return cls(
            [Reading.model_validate(reading) for reading in json.loads(row["readings"])],
            [Segment.model_validate(segment) for segment in json.loads(row["segments"])],
            json.loads(row["replaced"]),
            {
                EncodedBy(one["encoder"], one["fingerprint"], one["dimension"]): _vectors(one["ids"], one["vectors"])
                for one in row["embeddings"]
            },
        )


def together(found: Sequence[Found]) -> Found:
    """Join what was read of several items."""
    whole = Found()
    for one in found:
        whole.readings += one.readings
        whole.segments += one.segments
        whole.replaced |= one.replaced
        for made_by, vectors in one.embeddings.items():
            whole.embeddings.setdefault(made_by, {}).update(vectors)
    return whole


def _vectors(ids: Sequence[str], data: bytes) -> Vectors:
    if not ids:
        return {}
    matrix = np.frombuffer(data, "<f4").reshape(len(ids), -1)
    return dict(zip(ids, matrix, strict=True))
