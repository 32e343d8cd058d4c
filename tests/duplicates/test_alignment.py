"""Alignment: the scale and the shift between two pictures are found again, and nothing where there is none."""

import numpy as np
import pytest

import near_copy_set as made
from alciato.duplicates.alignment import CORNERS, FEW, Keypoints, align, detect

NO_WORDS = np.zeros((300, 400), bool)


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return np.asarray(made.photograph("chelsea.png").convert("L").resize((400, 300)))


def test_a_picture_lies_on_itself(grey):
    corners = detect(grey, NO_WORDS)
    assert FEW < len(corners.points) <= CORNERS
    assert corners.descriptors.shape == (len(corners.points), 32)
    found = align(corners, corners)
    assert found is not None
    np.testing.assert_allclose(found.transform, [[1, 0, 0], [0, 1, 0]], atol=1e-3)
    assert found.corners > 0.8 * len(corners.points)


def test_a_crop_gives_its_shift_and_both_ways_are_inverse(grey):
    cut = np.ascontiguousarray(grey[20:280, 30:380])
    whole, part = detect(grey, NO_WORDS), detect(cut, np.zeros(cut.shape, bool))
    there, back = align(whole, part), align(part, whole)
    assert there is not None
    assert back is not None
    np.testing.assert_allclose(there.transform, [[1, 0, -30], [0, 1, -20]], atol=0.5)
    np.testing.assert_allclose(back.transform, [[1, 0, 30], [0, 1, 20]], atol=0.5)


def test_a_smaller_picture_gives_its_scale():
    whole = made.photograph("chelsea.png").convert("L").resize((400, 300))
    small = np.asarray(whole.resize((280, 210)))
    found = align(detect(np.asarray(whole), NO_WORDS), detect(small, np.zeros(small.shape, bool)))
    assert found is not None
    assert np.hypot(*found.transform[:, 0]) == pytest.approx(0.7, abs=0.03)


def test_the_same_pair_gives_the_same_answer(grey):
    whole = detect(grey, NO_WORDS)
    part = detect(np.ascontiguousarray(grey[:250]), NO_WORDS[:250])
    first, second = align(whole, part), align(whole, part)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.transform, second.transform)
    assert first.corners == second.corners


def test_no_corner_stands_under_the_words(grey):
    words = NO_WORDS.copy()
    words[:, :200] = True
    corners = detect(grey, words)
    assert len(corners.points) >= FEW
    assert (corners.points[:, 0] >= 200).all()


def test_where_there_is_little_but_words_their_corners_are_kept(grey):
    words = ~NO_WORDS
    assert len(detect(grey, words).points) == len(detect(grey, NO_WORDS).points)


def test_a_blank_picture_has_no_corners_and_lies_on_nothing(grey):
    blank = detect(np.full((300, 400), 200, np.uint8), NO_WORDS)
    assert (blank.points.shape, blank.descriptors.shape) == ((0, 2), (0, 32))
    assert align(blank, detect(grey, NO_WORDS)) is None
    assert align(detect(grey, NO_WORDS), blank) is None


def test_too_few_matches_are_none(grey):
    corners = detect(grey, NO_WORDS)
    few = Keypoints(corners.points[:10], corners.descriptors[:10])
    assert align(few, corners, least=11) is None
    found = align(few, corners, least=8)
    assert found is None or found.corners <= 10


def test_as_many_matches_as_are_needed_are_enough(grey):
    corners = detect(grey, NO_WORDS)
    some = Keypoints(corners.points[:10], corners.descriptors[:10])
    matched = align(some, some)
    assert matched is not None
    assert align(some, some, least=matched.corners) is not None
    four = Keypoints(corners.points[:4], corners.descriptors[:4])
    assert align(four, four) is not None
    three = Keypoints(corners.points[:3], corners.descriptors[:3])
    assert align(three, three, least=2) is None  # two points and a third that agrees say nothing
