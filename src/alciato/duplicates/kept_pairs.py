"""Pairs of near copies kept from call to call: only pictures that were not compared yet are verified.

A picture is known by a hash of its features, so one that is read anew, with other words, is compared again. The
table has a row for each picture that was compared and one for each pair that was found. Which pairs are candidates
depends a little on the other pictures: a pair that was found stays found, and one that only became a candidate
because others were removed is not looked at until one of the two changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from alciato.duplicates.features import ImageFeatures
from alciato.duplicates.near_copies import NearCopy, candidate_pairs, verify
from alciato.store import Collection

TABLE = "near_copies"
REVISION = "1"
"""Raised whenever the same pair could be told otherwise."""
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("medium", pa.string(), nullable=False),
        pa.field("left", pa.string(), nullable=False),
        pa.field("right", pa.string()),  # null in the row of a picture that was compared
        pa.field("relation", pa.string()),
        pa.field("distance", pa.int32()),
    ]
)
Pairs = dict[tuple[int, int], NearCopy]


def related_incrementally(collection: Collection, seen: Sequence[ImageFeatures]) -> Pairs:
    """Find the pairs i < j that are near copies: those kept from before, and those of pictures not compared yet."""
    ids = [_fingerprint(each) for each in seen]
    compared, kept = _load(collection, ids)
    new = {number for number, id_ in enumerate(ids) if id_ not in compared}
    if not new:
        return kept
    candidates = [pair for pair in candidate_pairs(seen) if pair not in kept and not new.isdisjoint(pair)]
    verified = {(i, j): verify(seen[i], seen[j]) for i, j in candidates}
    found = {pair: copy for pair, copy in verified.items() if copy is not None}
    _save(collection, seen, ids, new, found)
    return kept | found


def _fingerprint(features: ImageFeatures) -> str:
    thumbnail, keypoints = features.thumbnail, features.features
    told = hashlib.sha256(f"{REVISION} {features.medium} {features.start} {features.size} {features.text}".encode())
    for array in (features.bits, keypoints.points, keypoints.descriptors, thumbnail.pixels, thumbnail.words):
        told.update(array.tobytes())
    return told.hexdigest()[:32]


def _load(collection: Collection, ids: Sequence[str]) -> tuple[set[str], Pairs]:
    """The pictures that were compared, and the pairs of those that are given."""
    if collection.derived(TABLE) is None:
        return set(), {}
    number_of = {id_: number for number, id_ in enumerate(ids)}
    compared: set[str] = set()
    pairs: Pairs = {}
    for row in collection.stream(TABLE, ["left", "right", "relation", "distance"]):
        if row["right"] is None:
            compared.add(row["left"])
        elif row["left"] in number_of and row["right"] in number_of:
            i, j = sorted((number_of[row["left"]], number_of[row["right"]]))
            pairs[i, j] = NearCopy(row["relation"], row["distance"])
    return compared, pairs


def _save(
    collection: Collection,
    seen: Sequence[ImageFeatures],
    ids: Sequence[str],
    new: set[int],
    found: Mapping[tuple[int, int], NearCopy],
) -> None:
    rows: list[dict[str, Any]] = [
        {"id": f"{ids[i]} {ids[j]}", "left": ids[i], "right": ids[j], "medium": seen[i].medium, **copy._asdict()}
        for (i, j), copy in found.items()
    ]
    own = {ids[number]: seen[number].medium for number in new}
    rows += [{"id": id_, "left": id_, "medium": medium} for id_, medium in own.items()]
    collection.save_derived(TABLE, pa.Table.from_pylist(rows, SCHEMA))
