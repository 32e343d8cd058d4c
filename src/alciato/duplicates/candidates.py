"""Candidates: pairs of pictures worth a verification, found in the buckets of their hashes.

Sources: bit sampling as locality-sensitive hash, Gionis, Indyk and Motwani, VLDB 1999; bottom-k sketches, Cohen and
Kaplan, PODC 2007; PDQ, see `alciato.read.pdq`.
Two descriptors of the same corner differ in few of 256 bits, so they often agree in all of 40 bits drawn at random.
Such a draw, hashed, is a key; 8 are drawn of every descriptor. A picture keeps the 256 smallest of its keys, its
sketch: which keys are kept depends on the keys alone, so two pictures keep the same ones of those that they share.
A pair has two measures, which depend on nothing but the two pictures: the keys that both sketches hold, and the bits
between the PDQ hashes. A picture has three lists of partners by them, and a pair is a candidate if either picture
has the other in a list:
- the 8 that share most keys, which finds what was cropped or carries other words;
- the 8 nearest by PDQ, up to 60 bits;
- the 4 of the highest numbers among all that share 16 keys or are within 60 bits. Numbers are hashes, so all copies
  of one picture, however many, have the same few in this list, and hang together.

The lists are bounded however many pictures a bucket holds, and they depend on the set of pictures, not on the order
in which these came. What is lost: of a large family most pairs, but not the family; and a copy that shares fewer
keys than eight unrelated pictures do, such as a crop of a few lines of text among many in the same font.
Measured on `tests/near_copy_set.py`, 215 pictures of seeds 11 to 14, against the unbounded search by PDQ and the 12
likeliest by rarity of keys that it replaces: with the words known 184 of 184 copies stand in the cluster of their
original before and after, on each seed; with the words unknown 734 of 736 before and 733 of 736 after. Candidates are
4.3 to 4.8 a picture instead of 7.1 to 7.4. Among 600 strangers the candidates still link 184 of 184 (seed 14).
Shapes: bits (n, 32) packed bytes; sketches (k,) int64, sorted; rows, columns, shared, distances (m,).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alciato.duplicates.features import ImageFeatures

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

COPY = 31
"""Bits up to which two pictures are taken for the same: the threshold that PDQ's authors recommend."""
LOOSE = 60
"""PDQ bits up to which a pair is worth a verification."""
KEY_BITS, TABLES, SKETCH, SEED = 40, 8, 256, 7
"""Bits of a key, keys drawn of each descriptor, keys that a picture keeps."""
STRONG = 16
"""Keys in common from which a picture may be one of the four of the highest numbers."""
PARTNERS = 8, 8, 4
"""Lengths of the three lists of a picture."""
NUMBER_BITS = 52
"""Bits of a picture's number: it stands below the measure in a merit."""
ABSENT = -1
"""Merit of a picture that has no place in a list."""
BLOCK = 4_000_000
"""Hashes compared at a time: 128 MB."""


class Neighbours(NamedTuple):
    """Which query, which hash, how many bits apart; (m,) each."""

    rows: Integers
    columns: Integers
    distances: Integers


def neighbours(queries: Bytes, hashes: Bytes, most: int = COPY) -> Neighbours:
    """Find every hash (n, 32) within `most` bits of each query (q, 32), nearest first, the earlier first among equals.

    No index: 100,000 hashes are 3.2 MB, and a pass over them takes 2 ms a query. Nothing within the distance is missed.
    """
    found = [_within(block, hashes, start, most) for start, block in _blocks(queries, len(hashes))]
    rows, columns, distances = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else _none()
    order = np.lexsort((columns, distances, rows))
    return Neighbours(rows[order], columns[order], distances[order])


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


def sketch(descriptors: Bytes) -> Integers:
    """The smallest keys of a picture's descriptors (n, 32), sorted, each once: (k,), at most `SKETCH`."""
    if not len(descriptors):
        return np.zeros(0, np.int64)
    generator = np.random.default_rng(SEED)
    bits = np.unpackbits(descriptors, axis=1)  # (n, 256)
    places = np.uint64(1) << np.arange(KEY_BITS, dtype=np.uint64)
    drawn = [bits[:, generator.choice(256, KEY_BITS, replace=False)] @ places for _ in range(TABLES)]
    keys = np.stack([_mixed(each | np.uint64(table << KEY_BITS)) for table, each in enumerate(drawn)])
    return np.unique(keys.view(np.int64))[:SKETCH]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash to 63 bits: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (values ^ (values >> np.uint64(31))) >> np.uint64(1)


class Postings(NamedTuple):
    """Buckets: keys (m,), sorted, and the position (m,) of the picture whose sketch holds each."""

    keys: Integers
    owners: Integers


def postings(keys: Integers, owners: Integers) -> Postings:
    """Sort keys and their owners into buckets; a key that a picture has twice counts once."""
    order = np.lexsort((owners, keys))
    keys, owners = keys[order], owners[order]
    once = np.ones(len(keys), dtype=bool)
    once[1:] = (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])
    return Postings(keys[once], owners[once])


class Pictures(NamedTuple):
    """Pictures as candidates are found among them: numbers (n,), codes of their media (n,), PDQ bits (n, 32)."""

    numbers: Integers
    media: Integers
    bits: Bytes


class AlikePairs(NamedTuple):
    """Positions of pictures with something in common, ordered by row, then column, and the two measures; (m,) each."""

    rows: Integers
    columns: Integers
    shared: Integers
    distances: Integers

    def where(self, chosen: NDArray[np.bool_]) -> AlikePairs:
        """Keep some of the pairs."""
        return AlikePairs(*(column[chosen] for column in self))


def alike_pairs(asked: Integers, sketches: Sequence[Integers], pictures: Pictures, buckets: Postings) -> AlikePairs:
    """Pair the pictures at the positions `asked` with all that share a key with them or are within `LOOSE` bits.

    Never with a picture of the same medium, such as another frame of the clip. `sketches` are those of `asked`.
    """
    count = len(pictures.numbers)
    keys = np.concatenate([np.zeros(0, np.int64), *sketches])
    asking = np.repeat(np.arange(len(asked)), [len(each) for each in sketches])
    first, last = np.searchsorted(buckets.keys, keys, "left"), np.searchsorted(buckets.keys, keys, "right")
    sizes = last - first
    steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    owners = buckets.owners[np.repeat(first, sizes) + steps]
    sharing, shared = np.unique(np.repeat(asking, sizes) * count + owners, return_counts=True)
    near = neighbours(pictures.bits[asked], pictures.bits, LOOSE)
    pairs = np.union1d(sharing, near.rows * count + near.columns)
    rows, columns = asked[pairs // max(1, count)], pairs % max(1, count)
    counts = np.zeros(len(pairs), dtype=np.int64)
    counts[np.searchsorted(pairs, sharing)] = shared
    distances = np.bitwise_count(_words(pictures.bits[rows]) ^ _words(pictures.bits[columns])).sum(-1, dtype=np.int64)
    found = AlikePairs(rows, columns, counts, distances)
    return found.where(pictures.media[rows] != pictures.media[columns])


def merits(shared: Integers, distances: Integers, numbers: Integers) -> Integers:
    """What makes a picture a partner, in each list: (3, m); the more the better, `ABSENT` where it has no place.

    `numbers` (m,) are those of the pictures that are judged: they decide between equals, and none has another's merit.
    """
    near = distances <= LOOSE
    by_keys = np.where(shared > 0, (shared << NUMBER_BITS) | numbers, ABSENT)
    by_hash = np.where(near, ((LOOSE - np.minimum(distances, LOOSE)) << NUMBER_BITS) | numbers, ABSENT)
    return np.stack([by_keys, by_hash, np.where(near | (shared >= STRONG), numbers, ABSENT)])


def best(merits_: Integers, most: int) -> Integers:
    """The list that merits (m,) make: the `most` highest, each once, highest first."""
    return np.unique(merits_[merits_ != ABSENT])[::-1][:most]


def floors(lists: Sequence[Integers]) -> Integers:
    """The least merit that has a place in each list of a picture: (3,); 0 where a list has room."""
    full = [len(each) == most for each, most in zip(lists, PARTNERS, strict=True)]
    return np.array([each[-1] if is_full else 0 for each, is_full in zip(lists, full, strict=True)], dtype=np.int64)


def partners(pairs: AlikePairs, numbers: Integers) -> tuple[dict[int, list[Integers]], NDArray[np.bool_]]:
    """The three lists of each row's picture, by its position, and which columns (m,) are in one of them.

    The pairs are complete: all that each picture of a row has anything in common with.
    """
    merits_ = merits(pairs.shared, pairs.distances, numbers[pairs.columns])  # (3, m)
    chosen = np.zeros(len(pairs.rows), dtype=bool)
    lists: dict[int, list[Integers]] = {}
    rows, starts, counts = np.unique(pairs.rows, return_index=True, return_counts=True)
    for row, start, end in zip(rows.tolist(), starts, starts + counts, strict=True):
        own = merits_[:, start:end]
        lists[row] = [best(each, most) for each, most in zip(own, PARTNERS, strict=True)]
        chosen[start:end] = in_a_list(own, floors(lists[row])[:, None])
    return lists, chosen


def in_a_list(merits_: Integers, floors_: Integers) -> NDArray[np.bool_]:
    """Tell of merits (3, m) whether one of them reaches the floor (3, m) or (3, 1) of its list."""
    return np.asarray(((merits_ != ABSENT) & (merits_ >= floors_)).any(0))


def candidate_pairs(seen: Sequence[ImageFeatures]) -> list[tuple[int, int]]:
    """All candidates i < j among some pictures, all at once: what an index that grows must equal."""
    if not seen:
        return []
    sketches = [sketch(each.features.descriptors) for each in seen]
    owners = np.repeat(np.arange(len(seen)), [len(each) for each in sketches])
    codes = np.unique([each.medium for each in seen], return_inverse=True)[1]
    numbers = np.array([each.number for each in seen], dtype=np.int64)
    pictures = Pictures(numbers, codes, np.stack([each.bits for each in seen]))
    pairs = alike_pairs(np.arange(len(seen)), sketches, pictures, postings(np.concatenate(sketches), owners))
    _, chosen = partners(pairs, numbers)
    both = np.stack([pairs.rows[chosen], pairs.columns[chosen]], axis=1)
    return sorted({(min(pair), max(pair)) for pair in both.tolist()})
