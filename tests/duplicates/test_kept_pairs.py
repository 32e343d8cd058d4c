"""Pairs kept from call to call: what was compared is not verified again, and the clusters are the same."""

import numpy as np
import pytest

import near_copy_set as made
from alciato.duplicates import kept_pairs
from alciato.duplicates.clustering import clustered, related
from alciato.duplicates.features import ImageFeatures, Place
from alciato.duplicates.kept_pairs import related_incrementally
from alciato.duplicates.pictures import extract_features
from alciato.item import Box, Finding
from alciato.store import Collection


@pytest.fixture(scope="module")
def seen() -> list[ImageFeatures]:
    """Four photographs, each followed by a smaller copy."""
    pictures = []
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "camera.png"):
        whole = made.plain(made.photograph(name))
        pictures += [whole.picture, made.resized(whole, 0.6).picture]
    return [
        extract_features(picture, places=(Place(f"p{number}", 0, None),), medium=f"{number:064d}")
        for number, picture in enumerate(pictures)
    ]


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The pairs of media that are verified from now on."""
    calls: list[tuple[str, str]] = []
    verify = kept_pairs.verify
    monkeypatch.setattr(
        kept_pairs, "verify", lambda left, right: calls.append((left.medium, right.medium)) or verify(left, right)
    )
    return calls


def test_only_what_is_new_is_verified_and_the_clusters_are_those_of_all_pairs(tmp_path, seen, verified):
    collection = Collection.open(tmp_path)
    assert set(related_incrementally(collection, seen[:5])) == {(0, 1), (2, 3)}
    verified.clear()
    found = related_incrementally(collection, seen)
    assert verified
    new = {each.medium for each in seen[5:]}
    assert all(new & set(pair) for pair in verified), "a pair of old pictures was verified again"
    assert found == related(seen)
    assert clustered(seen, found) == clustered(seen, related(seen))
    assert len(clustered(seen, found)) == 4


def test_nothing_new_verifies_nothing_whatever_the_order(tmp_path, seen, verified):
    collection = Collection.open(tmp_path)
    first = related_incrementally(collection, seen)
    verified.clear()
    assert related_incrementally(collection, seen) == first
    back = related_incrementally(collection, seen[::-1])
    last = len(seen) - 1
    assert {(last - j, last - i) for i, j in back} == set(first)
    assert verified == []


def test_a_picture_that_is_gone_leaves_its_pairs_and_one_read_anew_is_compared_again(tmp_path, seen, verified):
    collection = Collection.open(tmp_path)
    related_incrementally(collection, seen)
    assert set(related_incrementally(collection, seen[1:])) == {(1, 2), (3, 4), (5, 6)}
    verified.clear()
    lines = [Finding(text="first coffee", box=Box(10, 10, 200, 60))]
    anew = extract_features(made.photograph("coffee.png"), lines, places=seen[2].places, medium=seen[2].medium)
    assert not np.array_equal(anew.thumbnail.words, seen[2].thumbnail.words)
    found = related_incrementally(collection, [*seen[:2], anew, *seen[3:]])
    assert verified
    assert all(seen[2].medium in pair for pair in verified)
    assert (2, 3) in found
