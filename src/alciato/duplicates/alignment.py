"""Alignment: corners that are found again when a picture is cropped, scaled or carries other words, and their match.

Sources: ORB, Rublee et al., ICCV 2011; random sampling consensus, Fischler and Bolles, 1981; the ratio test,
Lowe, 2004.
Shapes: points (n, 2) in pixels of the working picture, descriptors (n, 32) bytes, a transform (2, 3) maps
left points to right points: right = A @ (x, y, 1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

WORKING_SIDE = 384
"""Pixels of the longer side of the picture in which corners are looked for."""
CORNERS, FEW = 400, 60


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


def align(
    left: Keypoints, right: Keypoints, *, least: int = 4, ratio: float = 0.85, slack: float = 3.0
) -> Alignment | None:
    """Find the scale, turn and shift that most corners follow; None where fewer than `least` match.

    `ratio`: the best match must be this much nearer than the second; `slack`: pixels off that still follow.
    """
    import cv2

    if min(len(left.points), len(right.points)) < max(4, least):
        return None
    nearest: Any = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(left.descriptors, right.descriptors, k=2)
    matches = [best for best, second in nearest if best.distance < ratio * second.distance]
    if len(matches) < max(4, least):
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
