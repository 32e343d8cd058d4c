"""`duplicates`: the near copies of a collection in clusters, each member with its relation to the representative."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from alciato.duplicates.features import Place, PlacedPicture, StoredPictures, stored_pictures
from alciato.duplicates.near_copies import NearCopy, Relation
from alciato.duplicates.near_copy_index import NearCopyIndex
from alciato.models import Runtime, default_runtime
from alciato.store import Collection

LATEST = "9999"
"""Sorts after every date: a post without one is never the earliest."""
MemberRelation = Relation | Literal["representative", "linked"]
"""How a member relates to the representative, the copy of highest quality: a still before a clip, then the one with the
most pixels, then the earliest. copy: all of it, resized or recompressed. crop: one is a part of the other. recaption:
the same picture with other words. frame: a still picture and a clip that shows it. linked: a near copy of another
member, but not of the representative itself. Who posted first is not told by it."""


class Member(BaseModel):
    """A post in a cluster: which part, and how it relates to the representative."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    part: int = Field(ge=0)
    relation: MemberRelation
    source: str | None = None
    distance: int | None = Field(None, ge=0, le=256, description="PDQ bits between it and the representative")
    start: float | None = Field(None, description="second of the frame, in a clip")


class Cluster(BaseModel):
    """Near copies of one picture, the representative first."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    members: tuple[Member, ...] = Field(min_length=2)


Pair = tuple[int, int]
Compare = Callable[[Iterable[Pair]], Mapping[Pair, NearCopy | None]]
"""Tells of pairs i < j of pictures that were no candidates how they relate, if they do."""


def duplicates(collection: Collection, *, runtime: Runtime | None = None) -> list[Cluster]:
    """Group near copies: resized, recompressed, cropped, with other words, a frame of a clip.

    Features, the index that proposes candidates and the pairs that were found are stored: only media that lack
    features are decoded, and only pictures that were not compared yet are looked up and verified. The largest cluster
    comes first.
    The representative of a cluster is its copy of highest quality: a still before a clip, then the one with the most
    pixels, then the earliest.
    """
    runtime = runtime or default_runtime()
    seen = stored_pictures(collection, runtime.settings.limits)
    index = NearCopyIndex(collection, seen)
    pairs = index.near_copies()
    chosen = _in_clusters(seen, pairs)
    place = {position: number for number, position in enumerate(chosen)}

    def compare(asked: Iterable[Pair]) -> dict[Pair, NearCopy | None]:
        told = index.compare((chosen[i], chosen[j]) for i, j in asked)
        return {(place[i], place[j]): copy for (i, j), copy in told.items()}

    pictures = [_placed(seen, position) for position in chosen]
    return clustered(pictures, {(place[i], place[j]): copy for (i, j), copy in pairs.items()}, compare)


def _in_clusters(seen: StoredPictures, pairs: Iterable[Pair]) -> list[int]:
    """Positions of the pictures that can stand in a cluster: those in a pair, and those of media in several places."""
    ends = {position for pair in pairs for position in pair}
    codes = {int(seen.codes[position]) for position in ends}
    codes |= set(seen.places.repeated())
    return np.flatnonzero(np.isin(seen.codes, list(codes))).tolist()


def _placed(seen: StoredPictures, position: int) -> PlacedPicture:
    medium = seen.medium(position)
    return PlacedPicture(seen.places.of(int(seen.codes[position])), medium, seen.start(position), seen.size(position))


def clustered(seen: Sequence[PlacedPicture], pairs: Mapping[Pair, NearCopy], compare: Compare) -> list[Cluster]:
    """Join pairs i < j to clusters of posts; the same medium in several posts is a copy too."""
    groups = _groups(len(seen), list(pairs) + _of_one_medium(seen))
    firsts = [min(group, key=lambda i: _rank(seen[i], i)) for group in groups]
    direct = {(min(first, i), max(first, i)) for first, group in zip(firsts, groups, strict=True) for i in group}
    lacking = [(i, j) for i, j in sorted(direct) if (i, j) not in pairs and seen[i].medium != seen[j].medium]
    told = {**compare(lacking), **pairs}
    clusters = [_cluster(seen, first, group, told) for first, group in zip(firsts, groups, strict=True)]
    found = [cluster for cluster in clusters if cluster is not None]
    return sorted(found, key=lambda cluster: (-len(cluster.members), cluster.members[0].item))


def _cluster(
    seen: Sequence[PlacedPicture], first: int, group: list[int], told: Mapping[Pair, NearCopy | None]
) -> Cluster | None:
    copies = {i: told.get((min(first, i), max(first, i))) for i in group if i != first}
    direct = {i: copy for i, copy in copies.items() if copy is not None}
    others = sorted(set(group) - {first}, key=lambda i: (direct[i].distance if i in direct else 999, i))
    members: dict[str, Member] = {}
    for number in [first, *others]:
        for place in sorted(seen[number].places, key=lambda place: place.created_at or LATEST):
            if not members:
                relation: MemberRelation = "representative"
            elif number == first or seen[number].medium == seen[first].medium:
                relation = "copy"
            else:
                relation = direct[number].relation if number in direct else "linked"
            members.setdefault(place.item, _member(seen[number], place, relation, direct.get(number)))
    return Cluster(members=tuple(members.values())) if len(members) > 1 else None


def _rank(features: PlacedPicture, number: int) -> tuple[bool, int, str, int]:
    """Order of representatives: stills before clips, then most pixels, then the earliest post."""
    earliest = min((place.created_at or LATEST for place in features.places), default=LATEST)
    return features.start is not None, -features.size[0] * features.size[1], earliest, number


def _member(features: PlacedPicture, place: Place, relation: MemberRelation, copy: NearCopy | None) -> Member:
    return Member(
        item=place.item,
        part=place.part,
        relation=relation,
        source=place.source,
        distance=None if copy is None else copy.distance,
        start=features.start,
    )


def _of_one_medium(seen: Sequence[PlacedPicture]) -> list[tuple[int, int]]:
    """Tie the frames of a clip together."""
    first: dict[str, int] = {}
    return [(first.setdefault(each.medium, number), number) for number, each in enumerate(seen)]


def _groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Connected components, by union and find."""
    parent = list(range(count))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for left, right in pairs:
        parent[max(root(left), root(right))] = min(root(left), root(right))
    groups: dict[int, list[int]] = {}
    for number in range(count):
        groups.setdefault(root(number), []).append(number)
    return list(groups.values())
