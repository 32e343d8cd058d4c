"""`ImageFeatures`: what near copies are told by, extracted once from each medium and stored in a table.

The features of a picture are its PDQ hash, its corners and their descriptors, and a thumbnail in which the words are
marked: some 15 kB, extracted in some 5 ms. They depend on the words that were read on the picture, with their boxes:
`version` is a hash of these and of the revision of the extraction.

`duplicates` extracts them on demand, not `read`: a collection whose near copies nobody asks for does not pay for them,
and the guarantee is the same. Each medium is decoded once for each set of words; whether the words have changed is
told by the time of their reading, so that no other medium is decoded, and no features are loaded, to find what lacks.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alciato.duplicates.agreement import Thumbnail
from alciato.duplicates.alignment import WORKING_SIDE, Keypoints, detect
from alciato.errors import BadMedia
from alciato.item import Box, Finding, Image, Item, Media, Video
from alciato.models import Picture
from alciato.read.pdq import pdq
from alciato.settings import Limits
from alciato.store import Collection
from alciato.store.tables import sql_list

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

TABLE = "features"
REVISION = 2
"""Raised whenever the same medium could give other features."""
SCHEMA = pa.schema(
    [
        pa.field("picture", pa.int64(), nullable=False),  # its number
        pa.field("medium", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("revision", pa.int16(), nullable=False),
        pa.field("read_at", pa.int64(), nullable=False),  # microseconds: when the words were read, 0 where they are not
        pa.field("start", pa.float64()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("pdq", pa.binary(32)),  # null where nothing could be decoded
        pa.field("quality", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("points", pa.binary()),
        pa.field("descriptors", pa.binary()),
        pa.field("rows", pa.int32()),  # of the thumbnail
        pa.field("thumbnail", pa.binary()),
        pa.field("words", pa.binary()),
    ]
)
LIGHT = ["picture", "medium", "version", "revision", "read_at", "start", "width", "height", "pdq"]
"""Columns that are read of all pictures: 150 bytes each."""
THUMBNAIL_SIDE = 128
FRAMES = 64
"""Frames of one clip at most."""
CHANGED = 24
"""Bits by which a frame must differ from the last one that was kept."""
_BATCH = 16


@dataclass(frozen=True)
class Place:
    """Where a medium stands. `created_at` is in ISO 8601, in UTC."""

    item: str
    part: int
    source: str | None
    created_at: str | None = None


@dataclass(frozen=True)
class PlacedPicture:
    """One picture or frame: what a cluster needs to know of it. `size` is width and height in pixels."""

    places: tuple[Place, ...]
    medium: str
    start: float | None
    size: tuple[int, int]


@dataclass(frozen=True)
class ImageFeatures(PlacedPicture):
    """One picture or frame: what near copies are told by."""

    bits: Bytes  # (32,)
    quality: float
    features: Keypoints
    thumbnail: Thumbnail
    text: str

    @property
    def number(self) -> int:
        """A hash of the medium and the second of the frame, in 52 bits."""
        return int.from_bytes(hashlib.sha256(f"{self.medium} {self.start}".encode()).digest()[:8], "big") >> 12


# Extraction


def extract_features(
    picture: Picture,
    lines: Sequence[Finding] = (),
    *,
    places: tuple[Place, ...] = (),
    medium: str = "",
    start: float | None = None,
) -> ImageFeatures:
    """Extract the features of one picture; `lines` are the words on it, with their boxes in its pixels."""
    hashed = pdq(picture)
    pixels = np.asarray(picture.convert("RGB"))  # (rows, columns, 3)
    boxes = [line.box for line in lines if line.box is not None]
    working, small = _resized(pixels, WORKING_SIDE), _resized(pixels, THUMBNAIL_SIDE)
    grey = np.ascontiguousarray(working.mean(-1).astype(np.uint8))
    features = detect(grey, _marked(grey.shape, boxes, WORKING_SIDE / max(picture.size), around=0.1))
    words = _marked(small.shape[:2], boxes, THUMBNAIL_SIDE / max(picture.size), around=0.5)
    text = " ".join(line.text for line in lines if line.text)
    thumbnail = Thumbnail(small, words)
    return ImageFeatures(places, medium, start, picture.size, hashed.bits, hashed.quality, features, thumbnail, text)


def extracted(data: bytes, part: Media, lines: Sequence[Finding], limits: Limits) -> Iterator[ImageFeatures]:
    """Decode a medium and extract the features of the picture, or of the frames of the clip that differ."""
    from alciato.media.frames import sampled_frames
    from alciato.media.pictures import decode_picture

    try:
        if isinstance(part, Image):
            yield extract_features(decode_picture(data, limits), lines, medium=part.media)
            return
        last: ImageFeatures | None = None
        count = 0
        for frame in sampled_frames(data, part.mime, limits, WORKING_SIDE):
            if last is not None and _apart(last.bits, pdq(frame.picture).bits) < CHANGED:
                continue
            last = extract_features(frame.picture, medium=part.media, start=frame.second)
            yield last
            count += 1
            if count == FRAMES:
                return
    except BadMedia:
        return


def _apart(left: Bytes, right: Bytes) -> int:
    return int(np.bitwise_count(left ^ right).sum())


def _resized(pixels: Bytes, longest: int) -> Bytes:
    import cv2

    factor = longest / max(pixels.shape[:2])
    rows, columns = (max(1, round(side * factor)) for side in pixels.shape[:2])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=how), dtype=np.uint8)


def _marked(shape: Sequence[int], boxes: Sequence[Box], scale: float, around: float) -> NDArray[np.bool_]:
    """Mark the boxes, widened by a share of their height: outlines and shadows belong to the words."""
    mask = np.zeros((shape[0], shape[1]), dtype=bool)
    for box in boxes:
        margin = around * (box.bottom - box.top)
        widened = np.array([box.left - margin, box.top - margin, box.right + margin, box.bottom + margin])
        left, top, right, bottom = widened * scale
        mask[max(0, int(top)) : max(0, int(np.ceil(bottom))), max(0, int(left)) : max(0, int(np.ceil(right)))] = True
    return mask


def version_of(lines: Sequence[Finding]) -> int:
    """Hash of the revision and of the words that were read, with their boxes."""
    told = "\n".join([str(REVISION), *(f"{line.text} {line.box}" for line in lines)])
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big") >> 1


# The table


def save_features(
    collection: Collection,
    fresh: Mapping[str, Sequence[ImageFeatures]],
    versions: Mapping[str, int],
    read_at: Mapping[str, int] | None = None,
) -> pa.Table:
    """Store the features of some media; one that gave none is stored too, so that it is not decoded again.

    Gives the rows that were stored.
    """
    rows: list[dict[str, Any]] = []
    for medium, found in fresh.items():
        time = (read_at or {}).get(medium, 0)
        base = {"medium": medium, "version": versions[medium], "revision": REVISION, "read_at": time}
        rows += [{**base, "picture": each.number, **_row(each)} for each in found] or [{**base, "picture": 0}]
    table = pa.Table.from_pylist(rows, SCHEMA)
    if rows:
        collection.save_derived(TABLE, table, f"medium in {sql_list(sorted(fresh))}")
    return table


def stored_features(collection: Collection, versions: Mapping[str, int]) -> dict[str, list[ImageFeatures]]:
    """The stored features of media, by hash, of those that are stored in the version that is wanted."""
    table = collection.derived(TABLE)
    if table is None or not versions:
        return {}
    rows = table.search().where(f"medium in {sql_list(sorted(versions))}").limit(None).to_arrow().to_pylist()
    found: dict[str, list[ImageFeatures]] = {}
    for row in sorted(rows, key=lambda row: row["start"] or 0.0):
        if row["version"] == versions[row["medium"]]:
            here = found.setdefault(row["medium"], [])
            if row["pdq"] is not None:
                here.append(_features_of(row))
    return found


def numbered_features(collection: Collection, numbers: Iterable[int]) -> dict[int, ImageFeatures]:
    """The stored features of pictures by their numbers."""
    table = collection.derived(TABLE)
    wanted = ", ".join(map(str, sorted(set(numbers))))
    if table is None or not wanted:
        return {}
    rows = table.search().where(f"picture in ({wanted})").limit(None).to_arrow().to_pylist()
    return {row["picture"]: _features_of(row) for row in rows if row["pdq"] is not None}


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


# The pictures of a collection


class PicturePlaces:
    """Where the pictures and clips of a collection stand, in the order of adding: columns of the items, no JSON.

    `names` are the hashes of the media in the order of their first place; a medium's position in it is its code.
    """

    def __init__(self, collection: Collection) -> None:
        columns = ["id", "parts", "media", "source", "created_at"]
        items = collection.table("items").search().select(columns).limit(None).to_arrow()
        lists = items["parts"].combine_chunks()
        kinds = pc.list_flatten(lists)
        parents = pc.list_parent_indices(lists).to_numpy()
        numbers = np.arange(len(kinds)) - np.searchsorted(parents, parents)  # position of each part in its item
        has_medium = _is_among(kinds, ["image", "video", "audio"])
        wanted = _is_among(kinds, ["image", "video"])
        media = pc.list_flatten(items["media"].combine_chunks()).filter(pa.array(wanted[has_medium]))
        encoded = media.dictionary_encode()
        self.names: pa.Array = encoded.dictionary
        self._codes: Integers = encoded.indices.to_numpy().astype(np.int64)  # (places,)
        self._rows: Integers = parents[wanted].astype(np.int64)
        self._parts: Integers = numbers[wanted]
        self._items = items
        self._order = np.argsort(self._codes, kind="stable")
        self._starts = np.searchsorted(self._codes[self._order], np.arange(len(self.names) + 1))

    def of(self, code: int) -> tuple[Place, ...]:
        """The places of a medium."""
        return tuple(self._place(place) for place in self._at(code))

    def items(self, code: int) -> list[str]:
        """Ids of the items that have a medium."""
        return [self._items["id"][int(self._rows[place])].as_py() for place in self._at(code)]

    def repeated(self) -> list[int]:
        """Codes of the media that stand in several places."""
        return np.flatnonzero(np.diff(self._starts) > 1).tolist()

    def read_at(self, readings: pa.Table) -> Integers:
        """When the words of each medium were read, 0 if not; of several readings that of the least id and part."""
        columns = {"item": self._items["id"].take(pa.array(self._rows)), "part": pa.array(self._parts, pa.int32())}
        places = pa.table({**columns, "code": self._codes})
        found = places.join(readings, keys=["item", "part"], join_type="inner").sort_by(
            [("code", "ascending"), ("item", "ascending"), ("part", "ascending")]
        )
        codes, first = np.unique(found["code"].to_numpy(), return_index=True)
        times = np.zeros(len(self.names), dtype=np.int64)
        times[codes] = found["read_at"].cast(pa.int64()).to_numpy()[first]
        return times

    def _at(self, code: int) -> list[int]:
        here: list[int] = self._order[self._starts[code] : self._starts[code + 1]].tolist()
        return here

    def _place(self, place: int) -> Place:
        row = int(self._rows[place])
        created_at = self._items["created_at"][row].as_py()
        told = created_at.astimezone(UTC).isoformat() if isinstance(created_at, datetime) else None
        return Place(self._items["id"][row].as_py(), int(self._parts[place]), self._items["source"][row].as_py(), told)


def _is_among(values: Any, wanted: list[str]) -> NDArray[np.bool_]:
    return np.asarray(pc.is_in(values, value_set=pa.array(wanted, pa.string())).to_numpy(zero_copy_only=False))


class StoredPictures:
    """The pictures and frames of a collection whose features are stored: light columns, in the order of adding."""

    def __init__(self, light: pa.Table, places: PicturePlaces) -> None:
        light = light.filter(pc.is_valid(light["pdq"]))
        codes = _codes(light, places)
        starts = pc.fill_null(light["start"], -1.0).to_numpy()
        rows = np.lexsort((starts, codes))
        rows = rows[codes[rows] >= 0]
        self._light, self._rows = light, rows
        self.places = places
        self.codes: Integers = codes[rows]  # of the media
        self.numbers: Integers = light["picture"].to_numpy()[rows]
        self.versions: Integers = light["version"].to_numpy()[rows]
        self.bits: Bytes = _packed(light["pdq"])[rows]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.numbers)

    def medium(self, position: int) -> str:
        """Hash of the medium of a picture."""
        return str(self._told("medium", position))

    def start(self, position: int) -> float | None:
        """Second of the frame in its clip; None for a still picture."""
        start = self._told("start", position)
        return None if start is None else float(start)

    def size(self, position: int) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._told("width", position), self._told("height", position)

    def _told(self, column: str, position: int) -> Any:
        return self._light[column][int(self._rows[position])].as_py()


def _packed(hashes: pa.ChunkedArray) -> Bytes:
    """Hashes of a column as bytes (n, 32)."""
    parts = [
        np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * 32 :][: len(chunk) * 32] for chunk in hashes.chunks
    ]
    return np.concatenate([np.zeros(0, np.uint8), *parts]).reshape(-1, 32)


def _codes(light: pa.Table, places: PicturePlaces) -> Integers:
    """Codes of the media of some rows; -1 for one that stands nowhere."""
    found = pc.index_in(light["medium"], value_set=places.names)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def stored_pictures(collection: Collection, limits: Limits) -> StoredPictures:
    """The pictures of a collection; media that lack features, or whose words were read anew, are decoded first."""
    places = PicturePlaces(collection)
    columns = ["item", "part", "read_at"]
    readings = collection.table("readings").search().where("kind = 'ocr'").select(columns).limit(None).to_arrow()
    read_at = places.read_at(readings)
    light = _light(collection)
    codes = _codes(light, places)
    fresh = (codes >= 0) & (light["revision"].to_numpy() == REVISION)
    fresh[fresh] = light["read_at"].to_numpy()[fresh] == read_at[codes[fresh]]
    lacking = np.setdiff1d(np.arange(len(places.names)), codes[fresh]).tolist()
    if lacking:
        batches = [lacking[start : start + _BATCH] for start in range(0, len(lacking), _BATCH)]
        made = [_extract(collection, places, batch, read_at, limits).select(LIGHT) for batch in batches]
        light = pa.concat_tables([light.filter(pa.array(fresh)), *made])
    return StoredPictures(light, places)


def _light(collection: Collection) -> pa.Table:
    """The light columns of the table."""
    table = collection.derived(TABLE)
    if table is not None and table.schema.names != SCHEMA.names:  # of an older revision
        collection.drop_table(TABLE)
        table = None
    if table is None:
        return SCHEMA.empty_table().select(LIGHT)
    return table.search().select(LIGHT).limit(None).to_arrow()


def _extract(
    collection: Collection, places: PicturePlaces, codes: list[int], read_at: Integers, limits: Limits
) -> pa.Table:
    """Extract and store the features of some media; those whose words are the same are not decoded."""
    names = {code: places.names[code].as_py() for code in codes}
    ids = list(dict.fromkeys(places.items(code)[0] for code in codes))
    parts = {part.media: part for item in collection.items(ids) for _, part in item.media()}
    written = _written(collection, {medium: places.of(code) for code, medium in names.items()})
    versions = {medium: version_of(written.get(medium, ())) for medium in names.values()}
    known = stored_features(collection, versions)
    data = collection.media_many([medium for medium in names.values() if medium not in known])
    fresh = {
        medium: list(extracted(content, parts[medium], written.get(medium, ()), limits))
        for medium, content in data.items()
    }
    times = {medium: int(read_at[code]) for code, medium in names.items()}
    return save_features(collection, known | fresh, versions, times)


def _written(collection: Collection, places: Mapping[str, Sequence[Place]]) -> dict[str, tuple[Finding, ...]]:
    """The lines that were read on each medium, seen but unread ones too; of several readings that of the least id."""
    medium_at = {(place.item, place.part): medium for medium, here in places.items() for place in here}
    found: dict[str, tuple[Finding, ...]] = {}
    readings = collection.readings(sorted({item for item, _ in medium_at}), ["ocr"])
    for reading in sorted(readings, key=lambda reading: (reading.item, reading.part)):
        medium = medium_at.get((reading.item, reading.part))
        if medium is not None:
            found.setdefault(medium, reading.findings)
    return found


def image_features(
    collection: Collection, items: Iterable[Item], limits: Limits, only: Set[tuple[str, int]] | None = None
) -> Iterator[ImageFeatures]:
    """Features of the pictures and clips of some items, stored ones where there are any; other media are decoded.

    Nothing is written. What cannot be decoded is passed over: reading reports it. `only` names items and parts; None
    takes all.
    """
    places: dict[str, list[Place]] = {}
    parts: dict[str, Media] = {}
    for item in items:
        for number, part in item.media():
            if isinstance(part, Image | Video) and (only is None or (item.id, number) in only):
                places.setdefault(part.media, []).append(Place(item.id, number, item.source))
                parts[part.media] = part
    written = _written(collection, places)
    shas = list(places)
    for start in range(0, len(shas), _BATCH):
        batch = shas[start : start + _BATCH]
        known = stored_features(collection, {sha: version_of(written.get(sha, ())) for sha in batch})
        data = collection.media_many([sha for sha in batch if sha not in known])
        for sha in batch:
            found: Iterable[ImageFeatures] = known.get(sha, ())
            if sha in data:
                found = extracted(data[sha], parts[sha], written.get(sha, ()), limits)
            for each in found:
                yield replace(each, places=tuple(places[sha]))
