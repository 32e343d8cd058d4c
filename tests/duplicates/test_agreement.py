"""Agreement: two thumbnails laid over each other agree where they show the same, words left out."""

import numpy as np
import pytest

import near_copy_set as made
from alciato.duplicates.agreement import BLOCK, Thumbnail, agreement

SAME = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def thumbnail(name: str, words: np.ndarray | None = None) -> Thumbnail:
    pixels = np.asarray(made.photograph(name).resize((128, 96)))
    return Thumbnail(pixels, np.zeros((96, 128), bool) if words is None else words)


def shifted(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y]], np.float32)


@pytest.fixture(scope="module")
def cat() -> Thumbnail:
    return thumbnail("chelsea.png")


def test_a_picture_agrees_with_itself(cat):
    told = agreement(cat, cat, SAME)
    assert told.compared == (96 // BLOCK) * (128 // BLOCK)
    assert (told.overlap, told.blocks, told.alike, told.covered, told.contained) == pytest.approx((1, 1, 1, 1, 1))
    assert told.correlation == pytest.approx(1, abs=1e-3)
    assert 0 < told.structured <= told.compared


def test_another_picture_does_not(cat):
    told = agreement(cat, thumbnail("coffee.png"), SAME)
    assert told.overlap == pytest.approx(1)
    assert told.alike < 0.5
    assert told.correlation < 0.5


def test_a_crop_lies_in_the_whole_both_ways(cat):
    part = Thumbnail(np.ascontiguousarray(cat.pixels[16:80, 16:112]), np.zeros((64, 96), bool))
    there, back = agreement(cat, part, shifted(-16, -16)), agreement(part, cat, shifted(16, 16))
    for told in (there, back):
        assert told.contained == pytest.approx(1, abs=0.03)
        assert told.overlap == pytest.approx(64 * 96 / (96 * 128), abs=0.03)
        assert told.blocks == pytest.approx(1, abs=0.02)
    assert there.covered == pytest.approx(back.covered, abs=0.05)
    assert there.covered < 1


def test_what_stands_under_words_is_not_compared(cat):
    words = np.zeros((96, 128), bool)
    words[:32] = True
    painted = cat.pixels.copy()
    painted[:32] = 255
    bare = agreement(cat, Thumbnail(painted, np.zeros_like(words)), SAME)
    masked = agreement(cat, Thumbnail(painted, words), SAME)
    assert bare.blocks < 0.8
    assert masked.blocks == pytest.approx(1, abs=0.08)  # the blur reaches a little beyond the words
    assert masked.compared < bare.compared
    other_way = agreement(Thumbnail(cat.pixels, words), Thumbnail(painted, np.zeros_like(words)), SAME)
    assert other_way.compared == masked.compared


def test_flat_blocks_are_not_structured():
    blank = Thumbnail(np.full((96, 128, 3), 240, np.uint8), np.zeros((96, 128), bool))
    told = agreement(blank, blank, SAME)
    assert (told.structured, told.alike, told.correlation, told.covered) == (0, 0, 0, 1)
    assert told.blocks == 1


def test_laid_beside_each_other_nothing_is_compared(cat):
    told = agreement(cat, cat, shifted(400, 0))
    assert (told.compared, told.structured, told.overlap, told.blocks) == (0, 0, 0, 0)


def test_a_difference_within_the_tolerance_agrees_and_one_beyond_does_not(cat):
    pixels = (cat.pixels // 2 + 40).astype(np.uint8)
    for change, share in ((10, 1.0), (30, 0.0)):
        other = Thumbnail((pixels + change).astype(np.uint8), cat.words)
        assert agreement(Thumbnail(pixels, cat.words), other, SAME).blocks == share


def test_a_picture_of_half_the_size_covers_the_same(cat):
    small = np.asarray(made.photograph("chelsea.png").resize((64, 48)))
    half = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float32)  # left to right
    told = agreement(cat, Thumbnail(small, np.zeros((48, 64), bool)), half)
    assert (told.overlap, told.contained) == pytest.approx((1, 1), abs=0.05)
    assert told.correlation > 0.9


def test_a_block_counts_as_structured_where_either_picture_shows_something(cat):
    flat = Thumbnail(np.full_like(cat.pixels, 128), cat.words)
    both = agreement(cat, cat, SAME).structured
    assert agreement(cat, flat, SAME).structured == agreement(flat, cat, SAME).structured == both > 0
    assert agreement(flat, cat, SAME).covered == 1  # nothing of the flat one lies outside the other


def test_what_lies_outside_the_other_is_not_covered(cat):
    half = Thumbnail(np.ascontiguousarray(cat.pixels[:, :64]), np.zeros((96, 64), bool))
    right_half = agreement(cat, half, shifted(-64, 0))
    left_half = agreement(cat, half, SAME)
    assert 0 < left_half.covered < 1
    assert 0 < right_half.covered < 1
    assert left_half.covered + right_half.covered == pytest.approx(1, abs=0.02)
