"""Clusters: who is the representative, what the others are to it, and that order changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.duplicates.clustering import Cluster, PlacedPicture, clustered
from alciato.duplicates.features import Place
from alciato.duplicates.near_copies import NearCopy

COPY, CROP, RECAPTION = NearCopy("copy", 4), NearCopy("crop", 50), NearCopy("recaption", 70)


def picture(name, size=(100, 100), *, created_at=None, start=None, medium=None, items=None):
    """A picture in a post of its name, or in several posts."""
    places = tuple(Place(item, 0, f"/{item}.png", created_at) for item in items or [name])
    return PlacedPicture(places, medium or f"medium of {name}", start, size)


def strangers(asked):
    """Nothing that was no candidate is a near copy."""
    return dict.fromkeys(asked)


def relations(cluster: Cluster) -> dict[str, str]:
    return {member.item: member.relation for member in cluster.members}


def test_the_representative_has_the_most_pixels():
    seen = [picture("small", (50, 80)), picture("large", (100, 160)), picture("middle", (60, 100))]
    (cluster,) = clustered(seen, {(0, 1): COPY, (1, 2): CROP}, strangers)
    assert relations(cluster) == {"large": "representative", "small": "copy", "middle": "crop"}
    assert cluster.members[0].item == "large"
    assert cluster.members[0].distance is None


def test_of_as_many_pixels_the_earliest_represents_and_no_date_is_the_latest():
    dates = {"none": None, "late": "2024-03-01T00:00:00+00:00", "early": "2024-02-01T00:00:00+00:00"}
    seen = [picture(name, created_at=date) for name, date in dates.items()]
    (cluster,) = clustered(seen, {(0, 1): COPY, (0, 2): COPY, (1, 2): COPY}, strangers)
    assert cluster.members[0].item == "early"
    (cluster,) = clustered(seen[:2], {(0, 1): COPY}, strangers)
    assert cluster.members[0].item == "late"


def test_a_still_represents_a_clip_that_is_larger():
    seen = [picture("clip", (1920, 1080), start=2.0), picture("still", (320, 180))]
    (cluster,) = clustered(seen, {(0, 1): NearCopy("frame", 9)}, strangers)
    assert relations(cluster) == {"still": "representative", "clip": "frame"}
    assert (cluster.members[1].start, cluster.members[1].distance) == (2.0, 9)


def test_frames_of_a_clip_tie_what_is_near_to_either_and_the_clip_is_one_member():
    frames = [picture("clip", (640, 360), start=float(second), medium="clip") for second in range(3)]
    seen = [picture("first", (320, 180)), *frames, picture("last", (300, 170))]
    frame = NearCopy("frame", 12)
    (cluster,) = clustered(seen, {(0, 1): frame, (3, 4): frame}, strangers)
    assert relations(cluster) == {"first": "representative", "clip": "frame", "last": "linked"}


def test_one_medium_in_several_posts_is_a_copy_without_any_pair():
    seen = [picture("x", items=["one", "two"]), picture("lone")]
    (cluster,) = clustered(seen, {}, strangers)
    assert relations(cluster) == {"one": "representative", "two": "copy"}
    assert [member.source for member in cluster.members] == ["/one.png", "/two.png"]


def test_the_earliest_post_of_the_best_medium_stands_first():
    places = (Place("later", 0, None, "2024-05-01"), Place("sooner", 1, None, "2024-04-01"), Place("undated", 0, None))
    (cluster,) = clustered([PlacedPicture(places, "m", None, (9, 9))], {}, strangers)
    assert [(member.item, member.part) for member in cluster.members] == [("sooner", 1), ("later", 0), ("undated", 0)]


def test_copies_within_one_post_are_no_cluster():
    seen = [picture("a", items=["post"]), picture("b", items=["post"])]
    assert clustered(seen, {(0, 1): COPY}, strangers) == []


def test_only_pairs_with_the_representative_that_were_not_told_are_compared():
    asked = []

    def compare(pairs):
        asked.extend(pairs)
        return dict.fromkeys(asked, RECAPTION)

    seen = [picture("a", (10, 10)), picture("b", (90, 90)), picture("c", (20, 20)), picture("lone", (99, 99))]
    (cluster,) = clustered(seen, {(0, 1): COPY, (0, 2): COPY}, compare)
    assert asked == [(1, 2)]
    assert relations(cluster) == {"b": "representative", "a": "copy", "c": "recaption"}


def test_what_is_near_to_another_member_only_is_linked():
    seen = [picture("best", (99, 99)), picture("middle", (50, 50)), picture("far", (20, 20))]
    (cluster,) = clustered(seen, {(0, 1): RECAPTION, (1, 2): CROP}, strangers)
    assert relations(cluster) == {"best": "representative", "middle": "recaption", "far": "linked"}
    assert [member.distance for member in cluster.members] == [None, 70, None]


def test_the_largest_cluster_comes_first_and_the_nearest_member_second():
    seen = [picture(name, (size, size)) for name, size in zip("abcde", (5, 9, 8, 7, 6), strict=True)]
    found = clustered(seen, {(0, 4): COPY, (1, 2): RECAPTION, (1, 3): COPY}, strangers)
    assert [[member.item for member in cluster.members] for cluster in found] == [["b", "d", "c"], ["e", "a"]]


def test_nothing_is_near_to_nothing():
    assert clustered([], {}, strangers) == []
    assert clustered([picture("a"), picture("b")], {}, strangers) == []


@settings(max_examples=40, deadline=None)
@given(
    st.permutations(range(8)),
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]), max_size=9),
)
def test_order_changes_no_cluster(order, pairs):
    seen = [picture(f"p{number}", (100 - number, 100)) for number in range(8)]
    place = {number: position for position, number in enumerate(order)}
    moved = {tuple(sorted((place[i], place[j]))): NearCopy("crop", i + j) for i, j in pairs}
    straight = clustered(seen, {(i, j): NearCopy("crop", i + j) for i, j in pairs}, strangers)
    shuffled = clustered([seen[number] for number in order], moved, strangers)
    assert [relations(cluster) for cluster in shuffled] == [relations(cluster) for cluster in straight]
    ends = {number for pair in pairs for number in pair}
    assert {member.item for cluster in straight for member in cluster.members} == {f"p{number}" for number in ends}
    for cluster in straight:
        sizes = [100 - int(member.item[1:]) for member in cluster.members]
        assert sizes[0] == max(sizes)


def test_a_cluster_has_two_members():
    with pytest.raises(ValueError, match="at least 2"):
        Cluster(members=())
