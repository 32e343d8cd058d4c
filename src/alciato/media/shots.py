"""Shots: where a clip cuts, by colour histograms with a threshold that adapts to how much the clip moves.

Source: Lienhart, "Comparison of Automatic Shot Boundary Detection Algorithms" (1999), the colour
histogram difference; the adaptive threshold follows Yeo and Liu's sliding window (1995).

    d(t) = 1/2 * sum_b |h_t(b) - h_{t-1}(b)|            0: same colours, 1: no colour in common
    cut at t  if  d(t) >= SURE,  or  d(t) >= FLOOR and d(t) >= RATIO * second largest d within WINDOW

Shapes: histograms (frames, bins), each of sum 1; sharpness (frames,), seconds (frames,) rising.
Use it on sampled frames (4 to 5 a second); slow fades are not found, long shots are cut into pieces instead.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
Times = NDArray[np.float64]
SURE, FLOOR, RATIO, WINDOW = 0.6, 0.25, 2.0, 3
LONGEST = 10.0  # seconds that one key frame may stand for
LEVELS = 4  # of each colour: 64 bins


class Shot(NamedTuple):
    """Start and end in seconds, and the position of the key frame among the sampled frames."""

    start: float
    end: float
    key: int


def find_shots(histograms: Numbers, sharpness: Numbers, seconds: Times, duration: float, most: int) -> list[Shot]:
    """Cut a clip into shots of at most 10 s with a sharp key frame each; at most `most`, spread evenly."""
    if not len(seconds):
        return []
    edges = [0, *cuts(histograms), len(seconds)]
    spans = [span for first, last in pairwise(edges) for span in _pieces(first, last, seconds)]
    if len(spans) > most:
        chosen = np.linspace(0, len(spans) - 1, most).round().astype(int)
        spans = [spans[place] for place in chosen]
    ends = np.append(seconds, max(duration, float(seconds[-1])))
    return [Shot(float(seconds[a]), float(ends[b]), _key(a, b, sharpness)) for a, b in spans]


def cuts(histograms: Numbers) -> list[int]:
    """Positions of the frames that begin a new shot."""
    differences = np.abs(np.diff(histograms, axis=0)).sum(1) / 2  # (frames - 1,)
    found = []
    for place in np.flatnonzero(differences >= FLOOR):
        around = differences[max(0, place - WINDOW) : place + WINDOW + 1]
        second = np.sort(around)[-2] if len(around) > 1 else 0.0
        peak = differences[place] == around.max() and differences[place] >= RATIO * second
        if peak or differences[place] >= SURE:
            found.append(int(place) + 1)
    return found


def histogram(pixels: NDArray[np.uint8]) -> Numbers:
    """Share of each of 64 colours in a picture (rows, columns, 3): (64,)."""
    levels = (pixels // (256 // LEVELS)).astype(np.int64)
    bins = (levels[..., 0] * LEVELS + levels[..., 1]) * LEVELS + levels[..., 2]
    return (np.bincount(bins.ravel(), minlength=LEVELS**3) / bins.size).astype(np.float32)


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of a picture (rows, columns, 3): higher is sharper."""
    grey = pixels.astype(np.float32).mean(-1)
    if min(grey.shape) < 3:
        return 0.0
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(laplacian.var())


def _pieces(first: int, last: int, seconds: Times) -> list[tuple[int, int]]:
    """Cut a long shot into pieces of equal length."""
    count = max(1, int(np.ceil((seconds[last - 1] - seconds[first]) / LONGEST)))
    edges = np.linspace(first, last, min(count, last - first) + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def _key(first: int, last: int, sharpness: Numbers) -> int:
    """The sharpest frame of the middle half; ends of shots are often blurred or blended."""
    margin = (last - first) // 4
    middle = range(first + margin, last - margin)
    return max(middle, key=lambda place: float(sharpness[place]))
