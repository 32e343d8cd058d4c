"""The pictures of a collection as near-copy search sees them: small, hashed, with corners, the words marked.

The features of a medium that several posts carry are extracted once, in some 5 ms, and take 50 kB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alciato.duplicates.agreement import Thumbnail
from alciato.duplicates.features import ImageFeatures, Place, save_features, stored_features, version_of
from alciato.duplicates.local_features import WORKING_SIDE, detect
from alciato.errors import BadMedia
from alciato.item import Box, Finding, Image, Item, Media, Video
from alciato.models import Picture
from alciato.read.pdq import pdq
from alciato.settings import Limits
from alciato.store import Collection

Bytes = NDArray[np.uint8]

THUMBNAIL_SIDE = 128
FRAMES = 64
"""Frames of one clip at most."""
CHANGED = 24
"""Bits by which a frame must differ from the last one that was kept."""
_BATCH = 16


def image_features(
    collection: Collection,
    items: Iterable[Item],
    limits: Limits,
    only: Set[tuple[str, int]] | None = None,
    *,
    save: bool = False,
) -> Iterator[ImageFeatures]:
    """Features of all pictures and clips of some items, stored ones where there are any; other media are decoded.

    What cannot be decoded is passed over: reading reports it. `only` names items and parts; None takes all. With
    `save`, features that were extracted are stored, so that no later call decodes their media.
    """
    places: dict[str, list[Place]] = {}
    parts: dict[str, Media] = {}
    for item in items:
        for number, part in item.media():
            if isinstance(part, Image | Video) and (only is None or (item.id, number) in only):
                places.setdefault(part.media, []).append(Place(item.id, number, item.source, _created_at(item)))
                parts[part.media] = part
    written = _written(collection, places)
    shas = list(places)
    for start in range(0, len(shas), _BATCH):
        batch = shas[start : start + _BATCH]
        versions = {sha: version_of(written.get(sha, ())) for sha in batch}
        known = stored_features(collection, versions)
        lacking = [sha for sha in batch if sha not in known]
        data = collection.media_many(lacking)
        fresh = {
            sha: list(_extracted(data[sha], parts[sha], written.get(sha, ()), limits)) for sha in lacking if sha in data
        }
        if save and fresh:
            save_features(collection, fresh, versions)
        for sha in batch:
            for each in known.get(sha, fresh.get(sha, [])):
                yield replace(each, places=tuple(places[sha]))


def _created_at(item: Item) -> str | None:
    value = item.metadata.get("created_at")
    return value if isinstance(value, str) else None


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


def _extracted(data: bytes, part: Media, lines: Sequence[Finding], limits: Limits) -> Iterator[ImageFeatures]:
    from alciato.media.frames import sampled_frames
    from alciato.media.pictures import decode_picture

    try:
        if isinstance(part, Image):
            yield extract_features(decode_picture(data, limits), lines, medium=part.media)
            return
        kept: list[ImageFeatures] = []
        for frame in sampled_frames(data, part.mime, limits, WORKING_SIDE):
            if kept and _apart(kept[-1].bits, pdq(frame.picture).bits) < CHANGED:
                continue
            kept.append(extract_features(frame.picture, medium=part.media, start=frame.second))
            yield kept[-1]
            if len(kept) == FRAMES:
                return
    except BadMedia:
        return


def _apart(left: Bytes, right: Bytes) -> int:
    return int(np.bitwise_count(left ^ right).sum())


def _written(collection: Collection, places: dict[str, list[Place]]) -> dict[str, tuple[Finding, ...]]:
    """The lines that were read on each medium, seen but unread ones too."""
    medium_at = {(place.item, place.part): sha for sha, here in places.items() for place in here}
    found: dict[str, tuple[Finding, ...]] = {}
    for reading in collection.readings(sorted({item for item, _ in medium_at}), ["ocr"]):
        sha = medium_at.get((reading.item, reading.part))
        if sha is not None:
            found.setdefault(sha, reading.findings)
    return found


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
