"""Perceptual hash of a picture, or of each key frame of a clip."""

from __future__ import annotations

from alciato.item import Finding
from alciato.read.content import PartContent
from alciato.read.pdq import pdq


class HashReader:
    """`pdq`: value (64 hexadecimal digits), confidence (quality), for clips start and end of the shot."""

    kind, model, version = "pdq", "pdq", "1"
    parts = frozenset({"image", "video"})
    after: tuple[str, ...] = ()

    def read(self, content: PartContent) -> list[Finding]:
        """Hash what is seen."""
        found = []
        for view in content.views:
            hashed = pdq(view.picture)
            found.append(Finding(value=hashed.hexadecimal, confidence=hashed.quality, start=view.start, end=view.end))
        return found
