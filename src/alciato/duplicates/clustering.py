"""`duplicates`: the near copies of a collection in clusters, each member with its relation to the representative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alciato.duplicates.cluster import Cluster, Member, Relation
from alciato.duplicates.features import ImageFeatures, Place
from alciato.duplicates.kept_pairs import related_incrementally
from alciato.duplicates.near_copies import NearCopy, candidate_pairs, verify
from alciato.duplicates.pictures import image_features
from alciato.models import Runtime, default_runtime
from alciato.store import Collection

LATEST = "9999"
"""Sorts after every date: a post without one is never the earliest."""


def duplicates(collection: Collection, *, runtime: Runtime | None = None) -> list[Cluster]:
    """Group near copies: resized, recompressed, cropped, with other words, a frame of a clip.

    Features and the pairs that were found are stored: only media that lack features are decoded, and only pictures
    that were not compared yet are verified. The largest cluster comes first.
    The representative of a cluster is its copy of highest quality: a still before a clip, then the one with the most
    pixels, then the earliest.
    """
    runtime = runtime or default_runtime()
    seen = list(image_features(collection, collection.items(), runtime.settings.limits, save=True))
    return clustered(seen, related_incrementally(collection, seen))


def related(seen: Sequence[ImageFeatures]) -> dict[tuple[int, int], NearCopy]:
    """Find the pairs i < j that are near copies, and how the one relates to the other."""
    found = {(i, j): verify(seen[i], seen[j]) for i, j in candidate_pairs(seen)}
    return {pair: copy for pair, copy in found.items() if copy is not None}


def clustered(seen: Sequence[ImageFeatures], pairs: Mapping[tuple[int, int], NearCopy]) -> list[Cluster]:
    """Join pairs to clusters of posts; the same medium in several posts is a copy too."""
    groups = _groups(len(seen), list(pairs) + _of_one_medium(seen))
    clusters = [cluster for group in groups if (cluster := _cluster(seen, group, pairs)) is not None]
    return sorted(clusters, key=lambda cluster: (-len(cluster.members), cluster.members[0].item))


def _cluster(
    seen: Sequence[ImageFeatures], group: list[int], pairs: Mapping[tuple[int, int], NearCopy]
) -> Cluster | None:
    first = min(group, key=lambda i: _rank(seen[i], i))
    direct = {i: copy for i in group if i != first and (copy := _direct(seen, first, i, pairs)) is not None}
    others = sorted(set(group) - {first}, key=lambda i: (direct[i].distance if i in direct else 999, i))
    members: dict[str, Member] = {}
    for number in [first, *others]:
        for place in sorted(seen[number].places, key=lambda place: place.created_at or LATEST):
            if not members:
                relation: Relation = "representative"
            elif number == first or seen[number].medium == seen[first].medium:
                relation = "copy"
            else:
                relation = direct[number].relation if number in direct else "linked"
            members.setdefault(place.item, _member(seen[number], place, relation, direct.get(number)))
    return Cluster(members=tuple(members.values())) if len(members) > 1 else None


def _rank(features: ImageFeatures, number: int) -> tuple[bool, int, str, int]:
    """Order of representatives: stills before clips, then most pixels, then the earliest post."""
    earliest = min((place.created_at or LATEST for place in features.places), default=LATEST)
    return features.start is not None, -features.size[0] * features.size[1], earliest, number


def _direct(
    seen: Sequence[ImageFeatures], first: int, number: int, pairs: Mapping[tuple[int, int], NearCopy]
) -> NearCopy | None:
    """How a picture relates to the representative itself; a pair that was no candidate is compared now."""
    known = pairs.get((min(first, number), max(first, number)))
    return known if known is not None else verify(seen[first], seen[number])


def _member(features: ImageFeatures, place: Place, relation: Relation, copy: NearCopy | None) -> Member:
    return Member(
        item=place.item,
        part=place.part,
        relation=relation,
        source=place.source,
        distance=None if copy is None else copy.distance,
        start=features.start,
    )


def _of_one_medium(seen: Sequence[ImageFeatures]) -> list[tuple[int, int]]:
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
