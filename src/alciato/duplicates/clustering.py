"""`duplicates`: the near copies of a collection in clusters, each member with its relation to the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alciato.duplicates.cluster import Cluster, Member, Relation
from alciato.duplicates.near_copies import NearCopy, candidate_pairs, verify
from alciato.duplicates.pictures import ImageFeatures, Place, image_features
from alciato.models import Runtime, default_runtime
from alciato.store import Collection


def duplicates(collection: Collection, *, runtime: Runtime | None = None) -> list[Cluster]:
    """Group near copies: resized, recompressed, cropped, with other words, a frame of a clip.

    Pictures are decoded again, one after another: some 10 ms each, and 50 kB of memory; a thousand take half a
    minute. The largest cluster comes first. The original of a cluster is its picture with the most pixels, a
    still before a clip.
    """
    runtime = runtime or default_runtime()
    seen = list(image_features(collection, collection.items(), runtime.settings.limits))
    return clustered(seen, related(seen))


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
    first = min(group, key=lambda i: (seen[i].start is not None, -seen[i].size[0] * seen[i].size[1], i))
    direct = {i: copy for i in group if (copy := pairs.get((min(first, i), max(first, i)))) is not None}
    others = sorted(set(group) - {first}, key=lambda i: (direct[i].distance if i in direct else 999, i))
    members: dict[str, Member] = {}
    for number in [first, *others]:
        nearest = direct.get(number) or _nearest(number, group, pairs)
        for place in seen[number].places:
            relation: Relation = "copy" if nearest is None or number == first else nearest.relation
            if not members:
                relation = "original"
            elif (seen[number].start is None) != (seen[first].start is None):
                relation = "frame"
            members.setdefault(place.item, _member(seen[number], place, relation, direct.get(number)))
    return Cluster(members=tuple(members.values())) if len(members) > 1 else None


def _nearest(number: int, group: list[int], pairs: Mapping[tuple[int, int], NearCopy]) -> NearCopy | None:
    """How a picture relates to the nearest of its group, where it is not a near copy of the original itself."""
    found = [pairs[pair] for i in group if (pair := (min(i, number), max(i, number))) in pairs]
    return min(found, key=lambda copy: copy.distance, default=None)


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
