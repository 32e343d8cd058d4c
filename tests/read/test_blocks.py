"""Lines become blocks, in reading order."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.item import Box
from alciato.read.blocks import blocks, reading_order, union


def line(left, top, width=200, height=30):
    return Box(left, top, left + width, top + height)


def test_a_caption_above_and_one_below_are_two_blocks():
    boxes = [line(10, 10), line(12, 50), line(15, 90), line(10, 400), line(14, 440)]
    assert blocks(boxes) == [[0, 1, 2], [3, 4]]


def test_words_found_one_by_one_in_a_row_are_one_block():
    assert blocks([line(10, 10, 80), line(110, 12, 80), line(215, 9, 80)]) == [[0, 1, 2]]


def test_columns_stay_apart():
    left, right = [line(10, y) for y in (10, 45, 80)], [line(400, y) for y in (10, 45, 80)]
    assert blocks([*left, *right]) == [[0, 1, 2], [3, 4, 5]]


def test_a_heading_twice_as_high_is_its_own_block():
    assert len(blocks([line(10, 10, 300, 70), line(10, 90, 300, 20)])) == 2


def test_rows_are_read_from_left_to_right_although_not_quite_level():
    assert reading_order([line(300, 8), line(10, 12), line(10, 60)]) == [1, 0, 2]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 200), st.integers(1, 60)), max_size=20)
)
def test_every_line_is_in_one_block_and_order_of_input_does_not_matter(places):
    boxes = [line(*place) for place in places]
    grouped = blocks(boxes)
    assert sorted(i for group in grouped for i in group) == list(range(len(boxes)))
    shuffled = random.Random(0).sample(range(len(boxes)), len(boxes))
    again = blocks([boxes[i] for i in shuffled])
    as_boxes = sorted(sorted(boxes[i] for i in group) for group in grouped)
    assert as_boxes == sorted(sorted(boxes[shuffled[i]] for i in group) for group in again)


def test_union_holds_all():
    assert union([line(10, 10), line(5, 50)]) == Box(5, 10, 210, 80)


def test_nothing_makes_nothing():
    assert blocks([]) == []
