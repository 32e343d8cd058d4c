"""Neighbours by PDQ distance: every hash within so many bits, exactly, by counting bits in blocks.

No index: 100,000 hashes are 3.2 MB, and a pass over them takes 2 ms a query. Nothing within the distance is missed.
Shapes: queries (q, 32) and hashes (n, 32) packed bytes; rows, columns, distances (m,), sorted by row, then distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

COPY = 31
"""Bits up to which two pictures are taken for the same: the threshold that PDQ's authors recommend."""
BLOCK = 4_000_000
"""Pairs compared at a time: 128 MB."""


class Neighbours(NamedTuple):
    """Which query, which hash, how many bits apart; (m,) each."""

    rows: Integers
    columns: Integers
    distances: Integers


def neighbours(queries: Bytes, hashes: Bytes, most: int = COPY) -> Neighbours:
    """Find every hash within `most` bits of each query, nearest first, the earlier first among equals."""
    found = [_within(block, hashes, start, most) for start, block in _blocks(queries, len(hashes))]
    rows, columns, distances = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else _none()
    order = np.lexsort((columns, distances, rows))
    return Neighbours(rows[order], columns[order], distances[order])


def near_pairs(hashes: Bytes, most: int = COPY) -> Neighbours:
    """Find every pair i < j within `most` bits."""
    found = neighbours(hashes, hashes, most)
    once = found.rows < found.columns
    return Neighbours(found.rows[once], found.columns[once], found.distances[once])


def _blocks(queries: Bytes, hashes: int) -> Iterator[tuple[int, Bytes]]:
    size = max(1, BLOCK // max(1, hashes))
    for start in range(0, len(queries), size):
        yield start, queries[start : start + size]


def _within(queries: Bytes, hashes: Bytes, start: int, most: int) -> tuple[Integers, Integers, Integers]:
    left, right = _words(queries), _words(hashes)  # (q, 4), (n, 4)
    distances = np.zeros((len(left), len(right)), dtype=np.int64)
    for word in range(4):
        distances += np.bitwise_count(left[:, None, word] ^ right[None, :, word])
    rows, columns = np.nonzero(distances <= most)
    return rows + start, columns, distances[rows, columns]


def _words(hashes: Bytes) -> NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).reshape(-1, 32).view(np.uint64)


def _none() -> tuple[Integers, Integers, Integers]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
