"""`packaged:rapidocr`: lines of text in pictures, by PP-OCRv6 small (detector and recogniser).

The package's own upright pass (a classifier that turns lines standing on their head) is left out: on captions it
costs a tenth of the time and changes no word. The weights are named by path, so that the package has nothing to
download. Words set in tight capitals come joined; the line's spacing is the reader's affair (`alciato.read`).

Measured with 2 threads: 0.12 s of processor time for a captioned picture 512 pixels wide, 0.18 s at 1024; the package's
own settings took 0.5 s for either and found the same words.

The detector sees the picture at most SMALL pixels wide or high. Where the lines that it finds are small there, it
looks again at up to LARGE pixels: captions cost half the time, and the fine print of screenshots is still read.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alciato.item import Box, Finding
from alciato.models.onnx import session
from alciato.models.protocols import Picture
from alciato.models.weights import Source
from alciato.settings import Settings

SMALL, LARGE = 736, 2000
FINE = 22
"""Lines lower than this many pixels, as the detector sees them, call for the second look."""
MARGIN = 32
"""The detector wants at least this many pixels a side; a smaller picture is set on a margin."""
SLENDER = 8
"""A picture longer than this many times its height, or width, is set on a margin as well."""
SURE = 0.5


class RapidOcr:
    """An `Ocr` for Latin scripts, Chinese and Japanese."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.name, self.fingerprint = source.name, source.fingerprint
        self._engine = _engine(source.folder / "models", settings.threads)
        self._lock = Lock()  # the engine keeps state between its steps

    def recognise(self, picture: Picture) -> list[Finding]:
        """Give the lines in reading order, each with `text`, `box` in pixels of the picture and `confidence`.

        A line that was seen but could not be read, as in another script, has an empty text.
        """
        pixels, offset = framed(np.asarray(picture.convert("RGB"))[:, :, ::-1])
        with self._lock:
            lines = self._read(pixels, SMALL)
            if max(pixels.shape[:2]) > SMALL and _fine(lines, SMALL / max(pixels.shape[:2])):
                lines = self._read(pixels, LARGE)
        return [_finding(corners - offset, text, score, picture.size) for corners, text, score in lines]

    def _read(self, pixels: NDArray[np.uint8], longest: int) -> list[tuple[NDArray[np.float32], str, float]]:
        """Corners (4, 2), text and score of each line, the detector seeing at most `longest` pixels a side."""
        from rapidocr.utils.process_img import map_boxes_to_original

        self._engine.text_det.limit_side_len = longest
        # The steps, not the engine's own call: that one drops the lines that it saw and could not read.
        image, scaling = self._engine.preprocess_img(pixels)
        seen, _, read, _ = self._engine.run_ocr_steps(image, scaling)
        if seen.boxes is None or read.txts is None:
            return []
        corners = map_boxes_to_original(np.asarray(seen.boxes, np.float32), scaling, *pixels.shape[:2])
        lines = zip(corners, read.txts, read.scores, strict=True)
        return [(place, text.strip() if score >= SURE else "", float(score)) for place, text, score in lines]


def framed(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Set a tiny or slender picture on a margin of its own edge colours; the offset (x, y) of it in the result."""
    height, width = pixels.shape[:2]
    down = max(0, MARGIN - height, -(-width // SLENDER) - height)
    across = max(0, MARGIN - width, -(-height // SLENDER) - width)
    top, left = -(-down // 2), -(-across // 2)
    if not (down or across):
        return np.ascontiguousarray(pixels), np.zeros(2, np.float32)
    around = ((top, down - top), (left, across - left), (0, 0))
    return np.pad(pixels, around, mode="edge"), np.array([left, top], np.float32)


def _fine(lines: list[tuple[NDArray[np.float32], str, float]], scale: float) -> bool:
    """Whether the lower half of the lines is so low that letters may have been lost."""
    heights = [np.linalg.norm(corners[3] - corners[0]) * scale for corners, _, _ in lines]
    return bool(heights) and float(np.quantile(heights, 0.25)) < FINE


def _finding(corners: NDArray[np.float32], text: str, score: float, size: tuple[int, int]) -> Finding:
    low = np.clip(corners.min(0), 0, size)
    high = np.clip(corners.max(0), 0, size)
    return Finding(text=text, box=Box(*low.tolist(), *high.tolist()), confidence=min(1.0, max(0.0, score)))


def _engine(models: Path, threads: int | None) -> Any:
    from rapidocr import RapidOCR

    detector, recogniser = models / "PP-OCRv6_det_small.onnx", models / "PP-OCRv6_rec_small.onnx"
    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.text_score": SURE,
            "Global.max_side_len": LARGE,
            "Det.limit_type": "max",
            "Det.model_path": str(detector),
            "Rec.model_path": str(recogniser),
        }
    )
    engine(np.zeros((64, 64, 3), np.uint8))  # the parts are made at their first use
    engine(np.zeros((48, 96, 3), np.uint8), use_det=False)
    engine.use_det = True  # the engine remembers what it was last told
    engine.text_det.session.session = session(detector, threads)
    engine.text_rec.session.session = session(recogniser, threads)
    return engine
