"""What a detector sees in a picture, or in the key frames of a clip."""

from __future__ import annotations

from alciato.item import Finding
from alciato.models import Detector
from alciato.read.content import PartContent


class DetectorReader:
    """`nudity` (label, box, confidence) or `meme` (confidence, heat); for clips start and end of the shot."""

    parts = frozenset({"image", "video"})
    after: tuple[str, ...] = ()

    def __init__(self, kind: str, detector: Detector) -> None:
        self.kind, self.model, self.version = kind, detector.name, detector.fingerprint
        self._detector = detector

    def read(self, content: PartContent) -> list[Finding]:
        """Detect in all that is seen."""
        return [
            finding.model_copy(update={"start": view.start, "end": view.end})
            for view in content.views
            for finding in self._detector.detect(view.picture)
        ]
