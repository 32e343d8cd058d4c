"""Image macro or plain picture: a score, and where the decision looked."""

from __future__ import annotations

from alciato.item import Finding
from alciato.models import Detector
from alciato.read.content import Content


class MemeReader:
    """`meme`: label `meme`, confidence (the score), heat; for clips start and end of the shot."""

    kind = "meme"
    parts = frozenset({"image", "video"})
    after: tuple[str, ...] = ()

    def __init__(self, detector: Detector) -> None:
        self.model, self.version = detector.name, detector.fingerprint
        self._detector = detector

    def read(self, content: Content) -> list[Finding]:
        """Score all that is seen."""
        return [
            finding.model_copy(update={"start": view.start, "end": view.end})
            for view in content.views
            for finding in self._detector.detect(view.picture)
        ]
