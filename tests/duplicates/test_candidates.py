"""Candidates: the measures of a pair equal brute force, and the lists are bounded, symmetric and free of order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.duplicates import candidates as module
from alciato.duplicates.agreement import Thumbnail
from alciato.duplicates.alignment import Keypoints
from alciato.duplicates.candidates import (
    ABSENT,
    LOOSE,
    NUMBER_BITS,
    PARTNERS,
    SKETCH,
    STRONG,
    Pictures,
    alike_pairs,
    best,
    candidate_pairs,
    floors,
    in_a_list,
    merits,
    neighbours,
    partners,
    postings,
    sketch,
)
from alciato.duplicates.features import ImageFeatures


def hashes(count: int, seed: int) -> np.ndarray:
    """Half of them near one another: signed, uneven distances."""
    generator = np.random.default_rng(seed)
    made = generator.integers(0, 256, (count, 32), dtype=np.uint8)
    for row in range(1, count, 2):
        made[row] = made[row - 1]
        flips = generator.choice(256, int(generator.integers(0, 40)), replace=False)
        for bit in flips:
            made[row, bit // 8] ^= 128 >> (bit % 8)
    return made


def by_brute_force(queries, stored, most):
    found = []
    for row, query in enumerate(queries):
        near = []
        for column, other in enumerate(stored):
            distance = sum((int(a) ^ int(b)).bit_count() for a, b in zip(query, other, strict=True))
            if distance <= most:
                near.append((row, distance, column))
        found += [(row, column, distance) for row, distance, column in sorted(near)]
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 12), st.integers(0, 30), st.integers(0, 256), st.integers(0, 1000))
def test_equals_brute_force(queries, stored, most, seed):
    left, right = hashes(queries, seed), hashes(stored, seed)
    found = neighbours(left, right, most)
    triples = list(zip(found.rows.tolist(), found.columns.tolist(), found.distances.tolist(), strict=True))
    assert triples == by_brute_force(left, right, most)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    stored = hashes(101, 3)
    whole = neighbours(stored, stored, 60)
    monkeypatch.setattr(module, "BLOCK", 150)
    for one, other in zip(whole, neighbours(stored, stored, 60), strict=True):
        np.testing.assert_array_equal(one, other)


def descriptors(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def features(medium: str, corners: np.ndarray, bits: np.ndarray) -> ImageFeatures:
    small = Thumbnail(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool))
    points = np.zeros((len(corners), 2), np.float32)
    return ImageFeatures((), medium, None, (8, 8), bits, 1.0, Keypoints(points, corners), small, "")


def test_a_sketch_is_sorted_bounded_and_free_of_the_order_of_corners():
    corners = descriptors(300, 1)
    keys = sketch(corners)
    assert len(keys) == SKETCH
    assert (np.diff(keys) > 0).all()
    assert keys[0] >= 0
    np.testing.assert_array_equal(sketch(corners[::-1]), keys)
    np.testing.assert_array_equal(sketch(np.concatenate([corners, corners[:40]])), keys)
    assert len(sketch(corners[:0])) == 0
    assert len(sketch(corners[:3])) == 3 * module.TABLES


def test_two_sketches_share_as_large_a_part_as_the_pictures_do():
    common = descriptors(300, 2)
    left = sketch(np.concatenate([common, descriptors(100, 3)]))
    right = sketch(np.concatenate([descriptors(100, 4), common]))
    resemblance = 300 / 500
    kept = np.sort(np.union1d(left, right))[:SKETCH]  # the sketch of both together
    estimate = np.isin(kept, np.intersect1d(left, right)).mean()
    assert estimate == pytest.approx(resemblance, abs=0.1)
    assert len(np.intersect1d(sketch(descriptors(400, 5)), sketch(descriptors(400, 6)))) == 0


def test_corners_that_differ_in_few_bits_often_share_a_key():
    corners = descriptors(30, 7)
    changed = corners.copy()
    changed[:, 0] ^= 0b10001  # two of 256 bits
    assert len(np.intersect1d(sketch(corners), sketch(changed))) > SKETCH // 3


def some_pictures(count: int, seed: int) -> list[ImageFeatures]:
    """Pictures that share corners by twos and threes, of which some hashes are near."""
    pool = [descriptors(5, 100 + number) for number in range(6)]
    generator = np.random.default_rng(seed)
    bits = hashes(count, seed)
    return [
        features(f"m{number}", np.concatenate([pool[which] for which in generator.choice(6, 2)]), bits[number])
        for number in range(count)
    ]


def all_pairs(seen: list[ImageFeatures]):
    """Measures of all pairs that have something in common, by brute force: (row, column) to (shared, distance)."""
    found = {}
    for i, left in enumerate(seen):
        for j, right in enumerate(seen):
            shared = set(sketch(left.features.descriptors).tolist()) & set(sketch(right.features.descriptors).tolist())
            distance = int(np.bitwise_count(left.bits ^ right.bits).sum())
            if left.medium != right.medium and (shared or distance <= LOOSE):
                found[i, j] = len(shared), distance
    return found


def looked_up(seen: list[ImageFeatures], asked: list[int]):
    sketches = [sketch(each.features.descriptors) for each in seen]
    owners = np.repeat(np.arange(len(seen)), [len(each) for each in sketches])
    codes = np.unique([each.medium for each in seen], return_inverse=True)[1]
    numbers = np.array([each.number for each in seen])
    pictures = Pictures(numbers, codes, np.stack([each.bits for each in seen]))
    buckets = postings(np.concatenate([*sketches, sketches[0]]), np.concatenate([owners, owners[: len(sketches[0])]]))
    return alike_pairs(np.array(asked), [sketches[place] for place in asked], pictures, buckets)


@settings(max_examples=6, deadline=None)
@given(st.integers(2, 9), st.integers(0, 1000), st.data())
def test_measures_equal_brute_force_for_those_that_ask(count, seed, data):
    seen = some_pictures(count, seed)
    asked = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    found = looked_up(seen, asked)
    told = dict(
        zip(
            zip(found.rows.tolist(), found.columns.tolist(), strict=True),
            zip(found.shared.tolist(), found.distances.tolist(), strict=True),
            strict=True,
        )
    )
    assert told == {pair: measure for pair, measure in all_pairs(seen).items() if pair[0] in asked}


def test_pictures_of_one_medium_are_no_pair():
    seen = some_pictures(6, 4)
    frames = [replace(each, medium="clip", start=float(number)) for number, each in enumerate(seen)]
    assert all_pairs(seen)
    assert candidate_pairs(frames) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 14), st.randoms(use_true_random=False))
def test_candidates_are_the_same_in_any_order(count, generator):
    seen = some_pictures(count, 9)
    order = list(range(count))
    generator.shuffle(order)
    shuffled = candidate_pairs([seen[place] for place in order])
    assert sorted(tuple(sorted((order[i], order[j]))) for i, j in shuffled) == candidate_pairs(seen)


def test_a_pair_is_a_candidate_if_either_has_the_other_in_a_list(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PARTNERS", (1, 1, 1))
    seen = some_pictures(14, 5)
    expected = set()
    by_row: dict[int, list] = {}
    for (i, j), (shared, distance) in all_pairs(seen).items():
        by_row.setdefault(i, []).append((j, shared, distance, seen[j].number))
    for i, found in by_row.items():
        keyed = [each for each in found if each[1]]
        near = [each for each in found if each[2] <= LOOSE]
        strong = [each for each in found if each[1] >= STRONG or each[2] <= LOOSE]
        for those, rank in ((keyed, lambda e: (e[1], e[3])), (near, lambda e: (-e[2], e[3])), (strong, lambda e: e[3])):
            if those:
                j = max(those, key=rank)[0]
                expected.add((min(i, j), max(i, j)))
    assert candidate_pairs(seen) == sorted(expected)


def test_candidates_grow_with_the_pictures_not_with_their_square():
    bits = descriptors(1, 1)[0]
    alike = [features(f"m{number}", descriptors(40, 1), bits) for number in range(60)]
    pairs = candidate_pairs(alike)
    assert len(pairs) <= len(alike) * sum(PARTNERS)
    reached, waiting = {0}, [0]
    while waiting:
        here = waiting.pop()
        new = {i + j - here for i, j in pairs if here in (i, j)} - reached
        reached |= new
        waiting += new
    assert len(reached) == len(alike), "all copies of one picture hang together"


def test_two_kinds_of_copies_of_one_picture_hang_together():
    """Twenty of one caption and twenty of another: each shares most with its own kind, and still reaches the other."""
    common, bits = descriptors(20, 1), descriptors(2, 2)
    kinds = [np.concatenate([common, descriptors(20, 10 + kind)]) for kind in range(2)]
    seen = [features(f"m{number}", kinds[number % 2], bits[number % 2]) for number in range(40)]
    assert any((i + j) % 2 for i, j in candidate_pairs(seen))


def test_the_floor_of_a_list_tells_who_is_in_it():
    generator = np.random.default_rng(8)
    numbers = generator.choice(10**6, 60, replace=False)
    shared, distances = generator.integers(0, 40, 60), generator.integers(30, 200, 60)
    told = merits(shared, distances, numbers)
    lists = [best(each, most) for each, most in zip(told, PARTNERS, strict=True)]
    by_lists = np.any(
        [np.isin(each, list_) & (each != ABSENT) for each, list_ in zip(told, lists, strict=True)], axis=0
    )
    np.testing.assert_array_equal(in_a_list(told, floors(lists)[:, None]), by_lists)
    strong = (shared >= STRONG) | (distances <= LOOSE)
    assert lists[2].tolist() == sorted(numbers[strong], reverse=True)[: PARTNERS[2]]
    assert [merit >> NUMBER_BITS for merit in lists[0].tolist()] == sorted(shared, reverse=True)[: PARTNERS[0]]
    assert floors([each[:1] for each in lists]).tolist() == [0, 0, 0], "a list with room takes all"


def test_no_pictures_no_pairs():
    assert candidate_pairs([]) == []
    lone = some_pictures(1, 0)
    assert candidate_pairs(lone) == []
    lists, chosen = partners(looked_up(lone, [0]), np.array([lone[0].number]))
    assert (lists, len(chosen)) == ({}, 0)
