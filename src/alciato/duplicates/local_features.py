"""Local features: corners that are found again when a picture is cropped, scaled or carries other words.

Sources: ORB, Rublee et al., ICCV 2011; random sampling consensus, Fischler and Bolles, 1981; the ratio test,
Lowe, 2004; bit sampling as locality-sensitive hash, Gionis, Indyk and Motwani, VLDB 1999.
Two descriptors of the same corner differ in few of 256 bits, so they often agree in all of 32 bits drawn at
random: pictures that share such keys are candidates, and only these are aligned.
Shapes: points (n, 2) in pixels of the working picture, descriptors (n, 32) bytes, a transform (2, 3) maps
left points to right points: right = A @ (x, y, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

WORKING_SIDE = 384
"""Pixels of the longer side of the picture in which corners are looked for."""
CORNERS, FEW = 400, 60
KEY_BITS, TABLES, REACH = 32, 8, 12
"""Bits of a key, number of keys drawn of each descriptor, neighbours in a bucket that are paired."""


class Keypoints(NamedTuple):
    """Corners of one picture: points (n, 2), descriptors (n, 32)."""

    points: Floats
    descriptors: Bytes


class Alignment(NamedTuple):
    """A similarity (2, 3) from left to right, and how many corners follow it."""

    transform: Floats
    corners: int


def detect(grey: Bytes, words: NDArray[np.bool_]) -> Keypoints:
    """Find up to 400 corners of a grey picture (rows, columns), none under the words (rows, columns).

    Where there is little but words, the corners of the letters are all there is, and are kept.
    """
    import cv2

    library: Any = cv2  # its stubs lack ORB
    detector = library.ORB_create(CORNERS, fastThreshold=8, edgeThreshold=16, patchSize=24)
    corners, descriptors = detector.detectAndCompute(grey, np.where(words, 0, 255).astype(np.uint8))
    if words.any() and len(corners) < FEW:
        corners, descriptors = detector.detectAndCompute(grey, None)
    if descriptors is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    return Keypoints(np.array([corner.pt for corner in corners], dtype=np.float32), descriptors)


def align(left: Keypoints, right: Keypoints, *, ratio: float = 0.85, slack: float = 3.0) -> Alignment | None:
    """Find the scale, turn and shift that most corners follow; None where fewer than four do.

    `ratio`: the best match must be this much nearer than the second; `slack`: pixels off that still follow.
    """
    import cv2

    if min(len(left.points), len(right.points)) < 4:
        return None
    nearest: Any = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(left.descriptors, right.descriptors, k=2)
    matches = [best for best, second in nearest if best.distance < ratio * second.distance]
    if len(matches) < 4:
        return None
    cv2.setRNGSeed(7)  # the same pair gives the same answer
    transform, follows = cv2.estimateAffinePartial2D(
        left.points[[match.queryIdx for match in matches]],
        right.points[[match.trainIdx for match in matches]],
        method=cv2.RANSAC,
        ransacReprojThreshold=slack,
        maxIters=500,
    )
    return None if transform is None else Alignment(transform.astype(np.float32), int(follows.sum()))


def candidates(descriptors: Sequence[Bytes], *, partners: int = 12, seed: int = 7) -> list[tuple[int, int]]:
    """Give the pairs (i < j) of pictures that share keys, for each picture those with its likeliest partners.

    A key that many pictures have, such as that of a plain edge, counts little: a share of a pair's score is
    1 / (pictures with the key - 1). Pairs grow with the pictures, not with their square; memory is a few numbers
    a descriptor.
    """
    counts = [len(each) for each in descriptors]
    if sum(counts) == 0:
        return []
    owner = np.repeat(np.arange(len(counts)), counts)
    bits = np.concatenate([each for each in descriptors if len(each)])
    generator = np.random.default_rng(seed)
    found = [_sharing(_keys(bits, generator), owner) for _ in range(TABLES)]
    pairs, place = np.unique(np.concatenate([each for each, _ in found]), return_inverse=True)
    weights = np.concatenate([each for _, each in found])
    scores = np.bincount(place, weights, minlength=len(pairs)).astype(np.float64)
    chosen = pairs[_likeliest(pairs, scores, partners)]
    return [(int(pair >> 32), int(pair & 0xFFFFFFFF)) for pair in chosen]


def _likeliest(pairs: NDArray[np.int64], scores: NDArray[np.float64], partners: int) -> NDArray[np.bool_]:
    """Mark the pairs that are among the best `partners` of either picture."""
    picture = np.concatenate([pairs >> 32, pairs & 0xFFFFFFFF])
    number = np.concatenate([np.arange(len(pairs))] * 2)
    order = np.lexsort((number, -np.concatenate([scores, scores]), picture))
    ranks = np.arange(len(order)) - np.searchsorted(picture[order], picture[order])
    chosen = np.zeros(len(pairs), dtype=bool)
    chosen[number[order[ranks < partners]]] = True
    return chosen


def _keys(descriptors: Bytes, generator: np.random.Generator) -> NDArray[np.uint32]:
    """Draw the same KEY_BITS bits of every descriptor: (n,)."""
    places = generator.choice(256, KEY_BITS, replace=False)
    keys = np.zeros(len(descriptors), dtype=np.uint32)
    for place in places:
        keys = (keys << 1) | ((descriptors[:, place // 8] >> (7 - place % 8)) & 1)
    return keys


def _sharing(keys: NDArray[np.uint32], owner: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pair the owners of equal keys, as low << 32 | high, with the weight of the key.

    In a full bucket only near neighbours are paired.
    """
    both = np.unique((keys.astype(np.int64) << 32) | owner)  # once a picture, sorted by key, then owner
    keys_, owners = both >> 32, both & 0xFFFFFFFF
    _, place, count = np.unique(keys_, return_inverse=True, return_counts=True)
    weights = 1 / np.maximum(count[place] - 1, 1)
    pairs, shares = [], []
    for step in range(1, REACH + 1):
        same = keys_[step:] == keys_[:-step]
        pairs.append((owners[:-step][same] << 32) | owners[step:][same])
        shares.append(weights[:-step][same])
    return np.concatenate(pairs), np.concatenate(shares)
