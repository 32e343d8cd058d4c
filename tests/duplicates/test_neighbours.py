import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.duplicates import neighbours as module
from alciato.duplicates.neighbours import near_pairs, neighbours


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
    whole = near_pairs(stored, 60)
    monkeypatch.setattr(module, "BLOCK", 150)
    for one, other in zip(whole, near_pairs(stored, 60), strict=True):
        np.testing.assert_array_equal(one, other)


def test_pairs_are_each_pair_once():
    stored = hashes(40, 5)
    found = near_pairs(stored, 40)
    pairs = list(zip(found.rows.tolist(), found.columns.tolist(), strict=True))
    expected = [(row, column) for row, column, _ in by_brute_force(stored, stored, 40) if row < column]
    assert sorted(pairs) == sorted(expected)
    assert pairs  # half of them are near
