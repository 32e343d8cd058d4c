"""Near copies of a picture: those near by perceptual hash, and those that local features verify among the less near.

PDQ at 31 bits finds resized and recompressed copies; a picture cropped by 5 % a side, or with other words, is 60 to
110 bits away, among much that is unrelated (128 on average). So the nearest up to `FAR` bits are compared by their
features, as `alciato.duplicates` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alciato.duplicates.candidates import COPY, neighbours
from alciato.duplicates.features import ImageFeatures, extract_features, image_features
from alciato.duplicates.near_copies import verify
from alciato.models import Picture
from alciato.read.pdq import pdq
from alciato.registry import NoOptions
from alciato.search.filters import filter_error
from alciato.search.retrieval import (
    DISPLAYED,
    Input,
    Query,
    RankedList,
    RetrievalExample,
    RetrievedSegment,
    SearchContext,
)
from alciato.store.tables import sql_list

FAR = 128
"""Bits beyond which a picture is no candidate: half of all, as unrelated pictures have."""
CROPS = (0.04, 0.08)
"""Shares cut off each side of the query picture, to find those that are stored so."""
VERIFIED = 24
"""Pictures and clips that are compared by features for one query at most."""
MIN_QUALITY = 0.3
"""PDQ quality below which there is so little to see that a hash says nothing by itself."""


class NearCopyRetriever:
    """Pictures and frames that are near copies of the query picture, nearest first."""

    name: ClassVar[str] = "near_copy"
    Options = NoOptions
    inputs: ClassVar[frozenset[Input]] = frozenset(["image"])
    examples: ClassVar[tuple[RetrievalExample, ...]] = ()

    def retrieve(self, query: Query, context: SearchContext) -> RankedList:
        """Rank near copies of the first picture of the query."""
        if not query.images:
            return RankedList(self.name, thresholded=True)
        asked = extract_features(query.images[0])
        found = _near_by_hash(context, _views(query.images[0]))
        sure = [match for match in found if (match.distance or 0) <= COPY and asked.quality >= MIN_QUALITY]
        unsure = [match for match in found if match not in sure]
        parts = list(dict.fromkeys((match.row["item"], match.row["part"]) for match in unsure))[:VERIFIED]
        verified = _verified(context, asked, parts)
        kept = [match for match in unsure if (match.row["item"], match.row["part"]) in verified]
        return RankedList(self.name, tuple(_once([*sure, *kept])), thresholded=True)


def _views(picture: Picture) -> NDArray[np.uint8]:
    """Hashes (views, 32) of the picture and of its inner parts: a crop that is stored is near one of them."""
    width, height = picture.size
    edges = [(width * share, height * share, width * (1 - share), height * (1 - share)) for share in CROPS]
    parts = [picture, *(picture.crop(each) for each in edges)]
    return np.stack([pdq(part).bits for part in parts])


def _near_by_hash(context: SearchContext, views: NDArray[np.uint8]) -> list[RetrievedSegment]:
    """Pictures and frames whose hash is within `FAR` bits of one of the views (n, 32), nearest first.

    The first view is the picture itself: the distance that is told is to it, the order is by the nearest view.
    """
    where = "pdq is not null" + (f" and ({context.filter})" if context.filter else "")
    try:
        table = context.segments.search().where(where).select(["id", "pdq"]).limit(None).to_arrow()
    except (ValueError, RuntimeError) as error:
        if context.filter is None:
            raise
        raise filter_error(context.filter, error) from error
    hashes = np.frombuffer(b"".join(table["pdq"].to_pylist()), dtype=np.uint8).reshape(-1, 32)
    found = neighbours(views, hashes, FAR)
    order = np.lexsort((found.columns, found.distances))
    nearest = list(dict.fromkeys(found.columns[order].tolist()))[: context.depth]
    if not nearest:
        return []
    ids = table["id"].take(pa.array(nearest, pa.int64())).to_pylist()
    query = context.segments.search().where(f"id in {sql_list(ids)}").select(list(DISPLAYED)).limit(len(ids))
    rows = {row["id"]: row for row in query.to_arrow().to_pylist()}
    distances = np.bitwise_count(hashes[nearest] ^ views[0]).sum(-1).tolist()
    return [RetrievedSegment(rows[id_], distance=distance) for id_, distance in zip(ids, distances, strict=True)]


def _verified(context: SearchContext, asked: ImageFeatures, parts: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Items and parts, of the given ones, whose picture is a near copy."""
    if not parts:
        return set()
    items = context.collection.items(list(dict.fromkeys(item for item, _ in parts)))
    stored = image_features(context.collection, items, context.runtime.settings.limits, frozenset(parts))
    return {(place.item, place.part) for each in stored if verify(each, asked) for place in each.places}


def _once(matches: Sequence[RetrievedSegment]) -> list[RetrievedSegment]:
    """The nearest segment of each part, in the order given."""
    first: dict[tuple[str, int], RetrievedSegment] = {}
    for match in matches:
        first.setdefault((match.row["item"], match.row["part"]), match)
    return list(first.values())
