"""Blocks: lines of text that stand close together are read as one, in the order in which people read.

A line joins another below it if the gap is small against their height, they overlap from the side, and
their letters are about as high; or beside it, if they stand in one row. Blocks are the connected groups.
Boxes are left, top, right, bottom in pixels; results are positions in the list that was given.
"""

from __future__ import annotations

from collections.abc import Sequence

from alciato.item import Box

GAP_BELOW, GAP_BESIDE = 0.9, 1.5  # of the lower of two line heights
OVERLAP = 0.3  # of the narrower of two lines
HEIGHTS = 2.0  # how much higher one line of a block may be than its neighbour


def blocks(boxes: Sequence[Box]) -> list[list[int]]:
    """Group lines into blocks; blocks and the lines in each are in reading order."""
    group = list(range(len(boxes)))
    for i, box in enumerate(boxes):
        for j in range(i):
            if _adjacent(box, boxes[j]):
                old, new = group[i], group[j]
                group = [new if mark == old else mark for mark in group]
    members = [[i for i, mark in enumerate(group) if mark == wanted] for wanted in sorted(set(group))]
    order = reading_order([union([boxes[i] for i in lines]) for lines in members])
    return [[members[b][i] for i in reading_order([boxes[i] for i in members[b]])] for b in order]


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Rows from top to bottom, each from left to right. Boxes whose middles are level form a row."""
    order: list[int] = []
    waiting = sorted(range(len(boxes)), key=lambda i: (boxes[i].top, boxes[i].left))
    while waiting:
        first = boxes[waiting[0]]
        row = [i for i in waiting if _level(boxes[i], first)]
        order += sorted(row, key=lambda i: boxes[i].left)
        waiting = [i for i in waiting if i not in row]
    return order


def union(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return Box(min(left), min(top), max(right), max(bottom))


def _adjacent(one: Box, other: Box) -> bool:
    heights = one.bottom - one.top, other.bottom - other.top
    low = max(1.0, min(heights))
    if max(heights) > HEIGHTS * low:
        return False
    below = max(one.top, other.top) - min(one.bottom, other.bottom)
    beside = max(one.left, other.left) - min(one.right, other.right)
    if below <= -low / 2:  # in one row
        return beside <= GAP_BESIDE * low
    narrow = min(one.right - one.left, other.right - other.left)
    return below <= GAP_BELOW * low and -beside >= OVERLAP * narrow


def _level(box: Box, first: Box) -> bool:
    middle = (box.top + box.bottom) / 2
    return first.top <= middle <= first.bottom or box.top <= (first.top + first.bottom) / 2 <= box.bottom
