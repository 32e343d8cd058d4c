"""An index that grows equals a comparison of all at once, whatever the order, the batches, what is removed or lost."""

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alciato.duplicates import candidates, near_copies, near_copy_index
from alciato.duplicates.agreement import Thumbnail
from alciato.duplicates.alignment import Keypoints
from alciato.duplicates.features import (
    LIGHT,
    TABLE,
    ImageFeatures,
    Place,
    StoredPictures,
    save_features,
)
from alciato.duplicates.near_copies import NearCopy, related
from alciato.duplicates.near_copy_index import COMPARED, KEYS, PAIRS, NearCopyIndex
from alciato.store import Collection

SHARED = 24
"""Corners that the pictures of one family have in common."""


class Somewhere:
    """Each medium stands in one post."""

    def __init__(self, media):
        self.names = pa.array(media, pa.string())

    def of(self, code):
        return (Place(self.names[code].as_py(), 0, None),)


def picture(name: str, family: int, seed: int) -> ImageFeatures:
    """A picture of a family: some corners and most bits of the hash are those of the family."""
    own, kin = np.random.default_rng(seed), np.random.default_rng(family + 1000)
    corners = kin.integers(0, 256, (SHARED, 32), dtype=np.uint8)
    corners = corners[own.permutation(SHARED)[: int(own.integers(6, SHARED + 1))]]
    corners = np.concatenate([corners, own.integers(0, 256, (8, 32), dtype=np.uint8)])
    bits = kin.integers(0, 256, 32, dtype=np.uint8)
    for bit in own.choice(256, int(own.integers(0, 60)), replace=False):
        bits[bit // 8] ^= 128 >> (bit % 8)
    points = np.zeros((len(corners), 2), np.float32)
    small = Thumbnail(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool))
    return ImageFeatures((), name, None, (8, 8), bits, 1.0, Keypoints(points, corners), small, str(family))


PICTURES = [picture(f"{number:064d}", number % 3, number) for number in range(18)]
"""Three families of six: more than a list holds below."""


@pytest.fixture(autouse=True)
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists shorter than the families, and a strong tie of few keys, so that pictures push each other out."""
    for module in (candidates, near_copy_index):
        monkeypatch.setattr(module, "PARTNERS", (2, 2, 1))


@pytest.fixture(autouse=True)
def verified(monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str]]:
    """The pairs of media that are verified; near copies are the pictures of one family, but for one pair in four."""
    calls: list[frozenset[str]] = []

    def verify(left: ImageFeatures, right: ImageFeatures) -> NearCopy | None:
        calls.append(frozenset((left.medium, right.medium)))
        distance = int(np.bitwise_count(left.bits ^ right.bits).sum())
        return NearCopy("copy", distance) if left.text == right.text and distance % 4 else None

    monkeypatch.setattr(near_copies, "verify", verify)
    monkeypatch.setattr(near_copy_index, "verify", verify)
    return calls


def open_with(collection: Collection, seen: list[ImageFeatures], versions: dict[str, int] | None = None):
    """The index of a collection that holds these pictures, stored ones kept."""
    versions = {each.medium: 1 for each in seen} | (versions or {})
    save_features(collection, {each.medium: [each] for each in seen}, versions)
    light = collection.table(TABLE).search().select(LIGHT).limit(None).to_arrow()
    return NearCopyIndex(collection, StoredPictures(light, Somewhere([each.medium for each in seen])))


def pairs_of(index: NearCopyIndex, seen: list[ImageFeatures]) -> dict[frozenset[str], NearCopy]:
    return {frozenset((seen[i].medium, seen[j].medium)): copy for (i, j), copy in index.near_copies().items()}


def at_once(seen: list[ImageFeatures]) -> dict[frozenset[str], NearCopy]:
    return {frozenset((seen[i].medium, seen[j].medium)): copy for (i, j), copy in related(seen).items()}


def test_the_lists_bind_and_families_are_found():
    found = at_once(PICTURES)
    assert found
    assert len(found) < sum(left.text == right.text for left in PICTURES for right in PICTURES) / 2 * 0.9


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(len(PICTURES))), st.lists(st.integers(2, 9), min_size=1, max_size=4))
def test_any_order_in_any_batches_gives_the_pairs_of_all_at_once(tmp_path_factory, order, sizes):
    collection = Collection.open(tmp_path_factory.mktemp("order"))
    seen: list[ImageFeatures] = []
    waiting = [PICTURES[number] for number in order]
    while waiting:
        size = sizes[len(seen) % len(sizes)]
        seen, waiting = seen + waiting[:size], waiting[size:]
        assert pairs_of(open_with(collection, seen), seen) == at_once(seen)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, len(PICTURES) - 1), min_size=1, max_size=9), st.integers(0, 5))
def test_what_is_removed_makes_room_as_if_it_had_never_been_there(tmp_path_factory, removed, added):
    collection = Collection.open(tmp_path_factory.mktemp("removal"))
    start = PICTURES[: len(PICTURES) - added]
    open_with(collection, start)
    left = [each for number, each in enumerate(PICTURES) if number not in removed]
    assert pairs_of(open_with(collection, left), left) == at_once(left)
    assert pairs_of(open_with(collection, PICTURES), PICTURES) == at_once(PICTURES)


def test_only_pairs_of_the_new_picture_are_verified(tmp_path, verified):
    collection = Collection.open(tmp_path)
    open_with(collection, PICTURES[:-1])
    verified.clear()
    index = open_with(collection, PICTURES)
    assert verified
    assert all(PICTURES[-1].medium in pair for pair in verified), "a pair of old pictures was verified again"
    verified.clear()
    again = open_with(collection, PICTURES[::-1])
    assert pairs_of(again, PICTURES[::-1]) == pairs_of(index, PICTURES)
    assert verified == []


def test_only_features_of_candidates_are_loaded(tmp_path, monkeypatch):
    collection = Collection.open(tmp_path)
    strangers = [picture(f"{number:064x}", number, number) for number in range(100, 140)]
    open_with(collection, [*PICTURES[:3], *strangers])
    loaded: set[int] = set()
    load = near_copy_index.numbered_features
    monkeypatch.setattr(
        near_copy_index, "numbered_features", lambda c, numbers: loaded.update(numbers) or load(c, numbers)
    )
    open_with(collection, [*PICTURES[:4], *strangers])
    assert PICTURES[3].number in loaded
    assert len(loaded) <= 1 + 2 * sum(candidates.PARTNERS)


def test_a_picture_that_is_read_anew_is_compared_again(tmp_path, verified):
    collection = Collection.open(tmp_path)
    open_with(collection, PICTURES)
    verified.clear()
    other = picture(PICTURES[4].medium, 2, 77)  # of another family now
    seen = [*PICTURES[:4], other, *PICTURES[5:]]
    assert pairs_of(open_with(collection, seen, {other.medium: 2}), seen) == at_once(seen)
    assert any(other.medium in pair for pair in verified)


@pytest.mark.parametrize("name", [KEYS, COMPARED, PAIRS])
def test_a_table_that_is_lost_is_made_again(tmp_path, name):
    collection = Collection.open(tmp_path)
    open_with(collection, PICTURES)
    collection.drop_table(name)
    assert pairs_of(open_with(collection, PICTURES), PICTURES) == at_once(PICTURES)


@pytest.mark.parametrize("table", [KEYS, PAIRS, COMPARED])
def test_a_call_that_is_killed_is_made_up_for_by_the_next(tmp_path, monkeypatch, table):
    collection = Collection.open(tmp_path)
    open_with(collection, PICTURES[:9])
    save = NearCopyIndex._save

    def killed(index, name, *rest, **named):
        save(index, name, *rest, **named)
        if name == table:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(NearCopyIndex, "_save", killed)
        with pytest.raises(KeyboardInterrupt):
            open_with(collection, PICTURES)
    assert pairs_of(open_with(collection, PICTURES), PICTURES) == at_once(PICTURES)


def test_nothing_of_what_is_gone_is_kept(tmp_path):
    collection = Collection.open(tmp_path)
    open_with(collection, PICTURES)
    open_with(collection, PICTURES[1:])
    gone = PICTURES[0].number
    assert collection.table(KEYS).count_rows(f"picture = {gone}") == 0
    assert collection.table(COMPARED).count_rows(f"picture = {gone}") == 0
    assert collection.table(PAIRS).count_rows(f"left = {gone} or right = {gone}") == 0


def test_what_was_compared_for_a_cluster_is_kept_and_is_no_near_copy(tmp_path, verified):
    collection = Collection.open(tmp_path)
    index = open_with(collection, PICTURES)
    before = index.near_copies()
    strange = next((0, j) for j in range(1, 18) if PICTURES[j].text != PICTURES[0].text)
    assert index.compare([strange]) == {strange: None}
    verified.clear()
    again = open_with(collection, PICTURES)
    assert again.compare([strange]) == {strange: None}
    assert verified == []
    assert again.near_copies() == before


def test_frames_of_one_clip_are_never_compared_with_each_other(tmp_path, verified):
    collection = Collection.open(tmp_path)
    clip = [replace(each, medium="c" * 64, start=float(n)) for n, each in enumerate(PICTURES[0:12:3])]
    save_features(
        collection, {"c" * 64: clip, PICTURES[15].medium: [PICTURES[15]]}, {"c" * 64: 1, PICTURES[15].medium: 1}
    )
    light = collection.table(TABLE).search().select(LIGHT).limit(None).to_arrow()
    seen = StoredPictures(light, Somewhere(["c" * 64, PICTURES[15].medium]))
    assert [seen.start(place) for place in range(5)] == [0.0, 1.0, 2.0, 3.0, None]
    NearCopyIndex(collection, seen)
    assert verified
    assert all(len(pair) == 2 for pair in verified)


def test_an_index_of_nothing(tmp_path):
    collection = Collection.open(tmp_path)
    open_with(collection, PICTURES[:2])
    collection.delete_derived(TABLE, "true")
    light = collection.table(TABLE).search().select(LIGHT).limit(None).to_arrow()
    assert NearCopyIndex(collection, StoredPictures(light, Somewhere([]))).near_copies() == {}
    assert collection.table(KEYS).count_rows() == 0


def test_many_are_looked_up_as_few_are(tmp_path, monkeypatch):
    shuffled = random.Random(3).sample(PICTURES, len(PICTURES))
    found = []
    for number, few in enumerate((0, 1000)):
        monkeypatch.setattr(near_copy_index, "FEW", few)
        monkeypatch.setattr(near_copy_index, "BLOCK", 5 + number)
        found.append(pairs_of(open_with(Collection.open(tmp_path / str(few)), shuffled), shuffled))
    assert found[0] == found[1] == at_once(PICTURES)
