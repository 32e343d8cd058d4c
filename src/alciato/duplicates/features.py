"""`ImageFeatures`: what near copies are told by, and the table of a collection that stores them by medium.

Features are extracted once for each medium and words read on it: `version` is a hash of the words and of the
revision of the extraction. A picture takes some 15 kB: corners, descriptors and a compressed thumbnail.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alciato.duplicates.agreement import Thumbnail
from alciato.duplicates.local_features import Keypoints
from alciato.item import Finding
from alciato.store import Collection
from alciato.store.tables import sql_list

Bytes = NDArray[np.uint8]

TABLE = "features"
REVISION = 1
"""Raised whenever the same medium could give other features."""
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # medium/number of the frame
        pa.field("medium", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("count", pa.int32()),  # frames of the medium: 0 where nothing could be decoded
        pa.field("start", pa.float64()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("pdq", pa.binary(32)),
        pa.field("quality", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("points", pa.binary()),
        pa.field("descriptors", pa.binary()),
        pa.field("rows", pa.int32()),  # of the thumbnail
        pa.field("thumbnail", pa.binary()),
        pa.field("words", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Place:
    """Where a medium stands."""

    item: str
    part: int
    source: str | None
    created_at: str | None = None


@dataclass(frozen=True)
class ImageFeatures:
    """One picture or frame: what near copies are told by. `size` is width and height in pixels."""

    places: tuple[Place, ...]
    medium: str
    start: float | None
    size: tuple[int, int]
    bits: Bytes  # (32,)
    quality: float
    features: Keypoints
    thumbnail: Thumbnail
    text: str


def version_of(lines: Sequence[Finding]) -> str:
    """Hash of the revision and of the words that were read, with their boxes."""
    told = "\n".join([str(REVISION), *(f"{line.text} {line.box}" for line in lines)])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def stored_features(collection: Collection, versions: Mapping[str, str]) -> dict[str, list[ImageFeatures]]:
    """The stored features of media, by hash, of those that are stored in the version that is wanted."""
    table = collection.derived(TABLE)
    if table is None or not versions:
        return {}
    rows = table.search().where(f"medium in {sql_list(sorted(versions))}").limit(None).to_arrow().to_pylist()
    found: dict[str, list[ImageFeatures]] = {}
    for row in sorted(rows, key=lambda row: row["start"] or 0.0):
        if row["version"] == versions[row["medium"]]:
            here = found.setdefault(row["medium"], [])
            if row["count"]:
                here.append(_features_of(row))
    return found


def save_features(
    collection: Collection, fresh: Mapping[str, Sequence[ImageFeatures]], versions: Mapping[str, str]
) -> None:
    """Store the features of some media; one that gave none is stored too, so that it is not decoded again."""
    rows: list[dict[str, Any]] = []
    for medium, found in fresh.items():
        base = {"medium": medium, "version": versions[medium], "count": len(found)}
        rows += [{**base, "id": f"{medium}/{number}", **_row(each)} for number, each in enumerate(found)]
        rows += [] if found else [{**base, "id": f"{medium}/0"}]
    collection.save_derived(TABLE, pa.Table.from_pylist(rows, SCHEMA))


def _row(features: ImageFeatures) -> dict[str, Any]:
    thumbnail = features.thumbnail
    return {
        "start": features.start,
        "width": features.size[0],
        "height": features.size[1],
        "pdq": features.bits.tobytes(),
        "quality": features.quality,
        "text": features.text,
        "points": np.ascontiguousarray(features.features.points, dtype=np.float32).tobytes(),
        "descriptors": np.ascontiguousarray(features.features.descriptors).tobytes(),
        "rows": thumbnail.pixels.shape[0],
        "thumbnail": zlib.compress(np.ascontiguousarray(thumbnail.pixels).tobytes(), 1),
        "words": zlib.compress(np.ascontiguousarray(thumbnail.words).tobytes(), 1),
    }


def _features_of(row: Mapping[str, Any]) -> ImageFeatures:
    words = np.frombuffer(zlib.decompress(row["words"]), dtype=np.bool_).reshape(row["rows"], -1)
    pixels = np.frombuffer(zlib.decompress(row["thumbnail"]), dtype=np.uint8).reshape(*words.shape, 3)
    keypoints = Keypoints(
        np.frombuffer(row["points"], dtype=np.float32).reshape(-1, 2),
        np.frombuffer(row["descriptors"], dtype=np.uint8).reshape(-1, 32),
    )
    return ImageFeatures(
        places=(),
        medium=row["medium"],
        start=row["start"],
        size=(row["width"], row["height"]),
        bits=np.frombuffer(row["pdq"], dtype=np.uint8),
        quality=row["quality"],
        features=keypoints,
        thumbnail=Thumbnail(pixels, words),
        text=row["text"],
    )
