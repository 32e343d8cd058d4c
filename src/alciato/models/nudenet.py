"""`packaged:nudenet`: nudity signals with boxes, by the YOLOv8 model of the package nudenet.

We run its ONNX file ourselves, from arrays in memory; boxes and scores equal those of the package's own class
(tested). The network sees the picture at 320 x 320, padded at the right and below: a person smaller than about a
tenth of the picture is not seen. Labels are the package's, such as FACE_FEMALE or BELLY_EXPOSED.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from alciato.item import Box, Finding
from alciato.models.onnx import session
from alciato.models.protocols import Picture
from alciato.models.weights import Source
from alciato.settings import Settings

SIDE = 320  # pixels that the network takes
SCORE = 0.25
OVERLAP = 0.45
LABELS = (
    "FEMALE_GENITALIA_COVERED",
    "FACE_FEMALE",
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED",
    "ANUS_EXPOSED",
    "FEET_EXPOSED",
    "BELLY_COVERED",
    "FEET_COVERED",
    "ARMPITS_COVERED",
    "ARMPITS_EXPOSED",
    "FACE_MALE",
    "BELLY_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "ANUS_COVERED",
    "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)


class NudeNet:
    """A `Detector` of uncovered and covered parts of bodies, and of faces."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.name, self.fingerprint = source.name, source.fingerprint
        self._session = session(source.folder / "320n.onnx", settings.threads)
        self._input = self._session.get_inputs()[0].name
        self._lock = Lock()

    def detect(self, picture: Picture) -> list[Finding]:
        """Give what is there, surest first, each with `label`, `box` in pixels of the picture and `confidence`."""
        pixels, side = _square(picture)
        with self._lock:
            output = self._session.run(None, {self._input: pixels})[0][0]  # (4 + labels, places)
        boxes, scores, labels = _candidates(output, side / SIDE, picture.size)
        kept = suppress_overlaps(boxes, scores, OVERLAP)
        return [
            Finding(label=LABELS[labels[i]], box=Box(*boxes[i].tolist()), confidence=float(scores[i])) for i in kept
        ]


def _square(picture: Picture) -> tuple[NDArray[np.float32], int]:
    """The picture in a black square, (1, 3, 320, 320), 0..1; and the side of that square in pixels.

    The channels are blue, green, red: so does the package, whose numbers we reproduce.
    """
    import cv2

    pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]
    side = max(pixels.shape[:2])
    shrink = min(1.0, 4 * SIDE / side)  # a huge picture is not first padded to a huge square
    if shrink < 1:
        size = (max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    square = np.zeros((max(pixels.shape[:2]),) * 2 + (3,), np.uint8)
    square[: pixels.shape[0], : pixels.shape[1]] = pixels
    small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return small.transpose(2, 0, 1)[None].astype(np.float32) / 255, side


def _candidates(
    output: NDArray[np.float32], scale: float, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Boxes (n, 4) as left, top, right, bottom in the picture, scores (n,), labels (n,), above the score bound."""
    scores, labels = output[4:].max(0), output[4:].argmax(0)
    sure = scores >= SCORE
    x, y, width, height = output[:4, sure] * scale
    left, top = np.clip(x - width / 2, 0, size[0]), np.clip(y - height / 2, 0, size[1])
    right, bottom = np.minimum(left + width, size[0]), np.minimum(top + height, size[1])
    return np.stack([left, top, right, bottom], 1), np.clip(scores[sure], 0, 1), labels[sure]


def suppress_overlaps(boxes: NDArray[np.float32], scores: NDArray[np.float32], overlap: float) -> list[int]:
    """Non-maximum suppression over all labels: indices of the kept boxes (n, 4), surest first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = list(np.argsort(-scores, kind="stable"))
    kept: list[int] = []
    while order:
        best = order.pop(0)
        kept.append(int(best))
        if not order:
            break
        rest = np.array(order)
        across = np.minimum(boxes[best, 2:], boxes[rest, 2:]) - np.maximum(boxes[best, :2], boxes[rest, :2])
        shared = np.prod(np.maximum(across, 0), axis=1)
        ratio = shared / np.maximum(areas[best] + areas[rest] - shared, 1e-9)
        order = list(rest[ratio <= overlap])
    return kept
