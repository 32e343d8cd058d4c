"""Agreement: laid over each other, do two pictures show the same, block by block?

A picture is a near copy of another when, laid over it, they agree almost everywhere: the same corners alone are
not enough, since one drawing on two backgrounds has them too. Both are thumbnails with the words marked; the
right one is warped into the frame of the left one and compared in blocks of 8 x 8 pixels. A block counts where
both pictures reach and neither has words. A block is structured where it is not flat: flat blocks agree easily,
so the structured ones are counted apart.
Shapes: thumbnails (rows, columns, 3), words (rows, columns), transform (2, 3) from left to right pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

BLOCK = 8
FLAT = 5.0
"""Standard deviation, of 255, up to which a block is flat."""
TOLERANCE = 16.0
"""Mean difference, of 255, up to which two blocks agree."""


class Thumbnail(NamedTuple):
    """A small picture and where in it words stand."""

    pixels: Bytes  # (rows, columns, 3)
    words: Mask  # (rows, columns)


class Agreement(NamedTuple):
    """What two pictures laid over each other have in common; counts of blocks, and shares, 0..1."""

    compared: int  # blocks that both pictures reach and that have no words
    overlap: float  # area in common over area of both
    blocks: float  # compared blocks that agree
    structured: int  # structured blocks compared
    alike: float  # structured blocks compared that agree
    correlation: float  # -1..1, of the grey values within each of them, on average
    covered: float  # structured blocks of the pictures that the other one reaches, the lesser of both
    contained: float  # share of the one that lies in the other, the greater of both: 1 for a crop


def agreement(left: Thumbnail, right: Thumbnail, transform: Floats) -> Agreement:
    """Lay `right` over `left` by `transform` (left to right) and compare what both show."""
    import cv2

    rows, columns = left.words.shape
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    laid = cv2.warpAffine(right.pixels, transform, (columns, rows), flags=flags)
    reach = cv2.warpAffine(np.ones(right.words.shape, np.uint8), transform, (columns, rows), flags=flags) > 0
    words = left.words | (cv2.warpAffine(right.words.astype(np.uint8), transform, (columns, rows), flags=flags) > 0)
    scale = max(1e-3, float(np.hypot(transform[0, 0], transform[1, 0])))
    common, right_area = float(reach.sum()), right.words.size / scale**2  # in left pixels
    compared = (_shares(reach) > 0.99) & (_shares(words) < 0.25)
    difference = _shares(np.abs(_smooth(left.pixels) - _smooth(laid)).mean(-1))
    structured = compared & ((_structure(left.pixels) > FLAT) | (_structure(laid) > FLAT))
    agrees = difference <= TOLERANCE
    return Agreement(
        compared=int(compared.sum()),
        overlap=common / max(1.0, rows * columns + right_area - common),
        blocks=_share(agrees, compared),
        structured=int(structured.sum()),
        alike=_share(agrees, structured),
        correlation=_correlation(left.pixels, laid, structured),
        covered=min(_reached(left, right, transform), _reached(right, left, _inverse(transform))),
        contained=min(1.0, max(common / (rows * columns), common / right_area)),
    )


def _correlation(left: Bytes, right: Bytes, blocks: Mask) -> float:
    """Mean over the blocks, so that one strong edge, such as that of a white band, does not speak for all."""
    first, second = (_blocks(_smooth(pixels).mean(-1))[blocks] for pixels in (left, right))  # (blocks, 64)
    first, second = first - first.mean(-1, keepdims=True), second - second.mean(-1, keepdims=True)
    sizes = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return float(((first * second).sum(-1) / np.maximum(sizes, 1e-6)).mean()) if blocks.any() else 0.0


def _share(what: Mask, among: Mask) -> float:
    return float(what[among].mean()) if among.any() else 0.0


def _smooth(pixels: Bytes) -> Floats:
    """Blur away what compression and a shift of half a pixel change."""
    import cv2

    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.2), dtype=np.float32)


def _blocks(values: NDArray[np.float32] | Mask) -> Floats:
    """Cut (rows, columns) into whole blocks: (block rows, block columns, 64)."""
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    whole = values[: rows * BLOCK, : columns * BLOCK].astype(np.float32)
    return whole.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows, columns, -1)


def _shares(values: NDArray[np.float32] | Mask) -> Floats:
    return np.asarray(_blocks(values).mean(-1))


def _structure(pixels: Bytes) -> Floats:
    """Standard deviation of the grey values in each block."""
    return np.asarray(_blocks(_smooth(pixels).mean(-1)).std(-1))


def _reached(picture: Thumbnail, other: Thumbnail, transform: Floats) -> float:
    """Share of the structured blocks of a picture whose centres lie in the other one."""
    places = np.argwhere((_structure(picture.pixels) > FLAT) & (_shares(picture.words) < 0.25))  # (n, 2)
    if not len(places):
        return 1.0
    centres = (places[:, ::-1] + 0.5) * BLOCK  # x, y
    across, down = (centres @ transform[:, :2].T + transform[:, 2]).T
    rows, columns = other.words.shape
    return float(((across >= 0) & (across <= columns) & (down >= 0) & (down <= rows)).mean())


def _inverse(transform: Floats) -> Floats:
    import cv2

    return np.asarray(cv2.invertAffineTransform(transform), dtype=np.float32)
