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
) -> None:
    """Store the features of some media; one that gave none is stored too, so that it is not decoded again."""
    rows: list[dict[str, Any]] = []
    for medium, found in fresh.items():
        time = (read_at or {}).get(medium, 0)
        base = {"medium": medium, "version": versions[medium], "revision": REVISION, "read_at": time}
        rows += [{**base, "picture": each.number, **_row(each)} for each in found] or [{**base, "picture": 0}]
    if rows:
        collection.save_derived(TABLE, pa.Table.from_pylist(rows, SCHEMA), f"medium in {sql_list(sorted(fresh))}")


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
    """Where the pictures and clips of a collection stand, in the order of adding: columns of the items, no JSON."""

    def __init__(self, collection: Collection) -> None:
        columns = ["id", "parts", "media", "source", "created_at"]
        items = collection.table("items").search().select(columns).limit(None).to_arrow()
        lists = items["parts"].combine_chunks()
        kinds = pc.list_flatten(lists)
        parents = pc.list_parent_indices(lists).to_numpy()
        numbers = np.arange(len(kinds)) - np.searchsorted(parents, parents)  # position of each part in its item
        has_medium = _is_among(kinds, ["image", "video", "audio"])
        wanted = _is_among(kinds, ["image", "video"])
        self.media: list[str] = (
            pc.list_flatten(items["media"].combine_chunks()).filter(pa.array(wanted[has_medium])).to_pylist()
        )
        self._rows: list[int] = parents[wanted].tolist()
        self._parts: list[int] = numbers[wanted].tolist()
        self._items = items.select(["id", "source", "created_at"])
        self._ids: list[str] = items["id"].to_pylist()
        self.by_medium: dict[str, list[int]] = {}
        for place, medium in enumerate(self.media):
            self.by_medium.setdefault(medium, []).append(place)

    def of(self, medium: str) -> tuple[Place, ...]:
        """The places of a medium."""
        return tuple(self._place(place) for place in self.by_medium.get(medium, ()))

    def items(self, medium: str) -> list[str]:
        """Ids of the items that have a medium."""
        return [self._ids[self._rows[place]] for place in self.by_medium[medium]]

    def medium_at(self) -> dict[tuple[str, int], str]:
        """The medium of each item and part."""
        ids = map(self._ids.__getitem__, self._rows)
        return dict(zip(zip(ids, self._parts, strict=True), self.media, strict=True))

    def _place(self, place: int) -> Place:
        row = self._rows[place]
        created_at = self._items["created_at"][row].as_py()
        told = created_at.astimezone(UTC).isoformat() if isinstance(created_at, datetime) else None
        return Place(self._ids[row], self._parts[place], self._items["source"][row].as_py(), told)


def _is_among(values: Any, wanted: list[str]) -> NDArray[np.bool_]:
    return np.asarray(pc.is_in(values, value_set=pa.array(wanted, pa.string())).to_numpy(zero_copy_only=False))


class StoredPictures:
    """The pictures and frames of a collection whose features are stored: light columns, in the order of adding."""

    def __init__(self, light: pa.Table, places: PicturePlaces) -> None:
        light = light.filter(pc.is_valid(light["pdq"]))
        order = {medium: number for number, medium in enumerate(places.by_medium)}
        ranks = np.array([order.get(medium, -1) for medium in light["medium"].to_pylist()], dtype=np.int64)
        starts = pc.fill_null(light["start"], -1.0).to_numpy()
        rows = np.lexsort((starts, ranks))
        rows = rows[ranks[rows] >= 0]
        self._light = light.take(pa.array(rows))
        self.places = places
        self.codes: Integers = ranks[rows]  # of the media
        self.numbers: Integers = self._light["picture"].to_numpy()
        self.versions: Integers = self._light["version"].to_numpy()
        self.bits: Bytes = np.frombuffer(b"".join(self._light["pdq"].to_pylist()), dtype=np.uint8).reshape(-1, 32)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.numbers)

    def medium(self, position: int) -> str:
        """Hash of the medium of a picture."""
        return str(self._light["medium"][position].as_py())

    def start(self, position: int) -> float | None:
        """Second of the frame in its clip; None for a still picture."""
        start = self._light["start"][position].as_py()
        return None if start is None else float(start)

    def size(self, position: int) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._light["width"][position].as_py(), self._light["height"][position].as_py()


def stored_pictures(collection: Collection, limits: Limits) -> StoredPictures:
    """The pictures of a collection; media that lack features, or whose words were read anew, are decoded first."""
    places = PicturePlaces(collection)
    read_at = _read_at(collection, places)
    light = _light(collection)
    known = zip(*(light[name].to_pylist() for name in ("medium", "read_at", "revision")), strict=True)
    current = {medium for medium, time, revision in known if (time, revision) == (read_at.get(medium, 0), REVISION)}
    lacking = [medium for medium in places.by_medium if medium not in current]
    for start in range(0, len(lacking), _BATCH):
        _extract(collection, places, lacking[start : start + _BATCH], read_at, limits)
    if lacking:
        kept = light.filter(pc.invert(pc.is_in(light["medium"], value_set=pa.array(lacking, pa.string()))))
        chunks = [lacking[start : start + 500] for start in range(0, len(lacking), 500)]
        light = pa.concat_tables([kept, *(_light(collection, f"medium in {sql_list(chunk)}") for chunk in chunks)])
    return StoredPictures(light, places)


def _light(collection: Collection, where: str | None = None) -> pa.Table:
    """The light columns of the table, of all pictures or of some."""
    table = collection.derived(TABLE)
    if table is not None and table.schema.names != SCHEMA.names:  # of an older revision
        collection.drop_table(TABLE)
        table = None
    if table is None:
        return SCHEMA.empty_table().select(LIGHT)
    query = table.search().select(LIGHT)
    return (query.where(where) if where else query).limit(None).to_arrow()


def _extract(
    collection: Collection, places: PicturePlaces, media: list[str], read_at: Mapping[str, int], limits: Limits
) -> None:
    """Extract and store the features of some media; those whose words are the same are not decoded."""
    ids = list(dict.fromkeys(places.items(medium)[0] for medium in media))
    parts = {part.media: part for item in collection.items(ids) for _, part in item.media()}
    written = _written(collection, {medium: places.of(medium) for medium in media})
    versions = {medium: version_of(written.get(medium, ())) for medium in media}
    known = stored_features(collection, versions)
    data = collection.media_many([medium for medium in media if medium not in known])
    fresh = {
        medium: list(extracted(content, parts[medium], written.get(medium, ()), limits))
        for medium, content in data.items()
    }
    save_features(collection, known | fresh, versions, read_at)


def _read_at(collection: Collection, places: PicturePlaces) -> dict[str, int]:
    """When the words of each medium were read, in microseconds: the reading that `_written` takes."""
    columns = ["item", "part", "read_at"]
    rows = collection.table("readings").search().where("kind = 'ocr'").select(columns).limit(None).to_arrow()
    if not rows.num_rows:
        return {}
    medium_at = places.medium_at()
    first: dict[str, tuple[str, int, int]] = {}
    times = rows["read_at"].cast(pa.int64()).to_pylist()
    for item, part, time in zip(rows["item"].to_pylist(), rows["part"].to_pylist(), times, strict=True):
        medium = medium_at.get((item, part))
        if medium is not None and (medium not in first or (item, part) < first[medium][:2]):
            first[medium] = item, part, time
    return {medium: time for medium, (_, _, time) in first.items()}


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
