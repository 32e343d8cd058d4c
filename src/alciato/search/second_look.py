"""Near copies of one picture: those near by hash, and those that a second look finds among the not so near.

PDQ at 31 bits finds resized and recompressed copies; a picture cropped by 5 % a side, or with other words, is 60 to
110 bits away, among much that is unrelated (128 on average). So the nearest up to `FAR` bits are decoded and looked
at as `near_copies` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alciato.duplicates.near_copies import near_copy
from alciato.duplicates.neighbours import COPY
from alciato.duplicates.pictures import Look, look, looks
from alciato.models import Picture, Runtime
from alciato.read.pdq import pdq
from alciato.search.routes import Match, Ranking, Scope, by_copy
from alciato.store import Collection

FAR = 128
CROPS = (0.04, 0.08)
"""Shares cut off each side of the query picture, to find those that are stored so."""
LOOKED_AT = 24
"""Pictures and clips that are decoded for one query at most."""
FLAT = 0.3
"""PDQ quality below which there is so little to see that a hash says nothing by itself."""


def copies_of(collection: Collection, scope: Scope, picture: Picture, runtime: Runtime) -> Ranking:
    """Rank the pictures and frames that are near copies of a picture, nearest first."""
    asked = look(picture)
    found = by_copy(scope, _views(picture), FAR)
    sure = [match for match in found.matches if (match.distance or 0) <= COPY and asked.quality >= FLAT]
    unsure = [match for match in found.matches if match not in sure]
    parts = list(dict.fromkeys((match.row["item"], match.row["part"]) for match in unsure))[:LOOKED_AT]
    held = _held(collection, asked, parts, runtime)
    kept = [match for match in unsure if (match.row["item"], match.row["part"]) in held]
    return Ranking("copy", tuple(_once([*sure, *kept])))


def _views(picture: Picture) -> NDArray[np.uint8]:
    """Hashes (views, 32) of the picture and of its inner parts: a crop that is stored is near one of them."""
    width, height = picture.size
    edges = [(width * share, height * share, width * (1 - share), height * (1 - share)) for share in CROPS]
    parts = [picture, *(picture.crop(each) for each in edges)]
    return np.stack([pdq(part).bits for part in parts])


def _held(collection: Collection, asked: Look, parts: list[tuple[str, int]], runtime: Runtime) -> set[tuple[str, int]]:
    """Items and parts, of the given ones, whose picture is a near copy."""
    items = collection.items(list(dict.fromkeys(item for item, _ in parts))) if parts else ()
    seen = looks(collection, items, runtime.settings.limits, frozenset(parts))
    return {(place.item, place.part) for each in seen if near_copy(each, asked) for place in each.places}


def _once(matches: list[Match]) -> list[Match]:
    """The nearest segment of each part, in the order given."""
    first: dict[tuple[str, int], Match] = {}
    for match in matches:
        first.setdefault((match.row["item"], match.row["part"]), match)
    return list(first.values())
