"""Shots of a clip, each with the second of its key frame."""

from __future__ import annotations

from alciato.item import Finding
from alciato.read.content import PartContent


class ShotReader:
    """`shots`: start, end, value (seconds of the key frame)."""

    kind, model, version = "shots", "colour-histogram", "1"
    parts = frozenset({"video"})
    after: tuple[str, ...] = ()

    def read(self, content: PartContent) -> list[Finding]:
        """Find the shots."""
        return [
            Finding(start=frame.start, end=max(frame.start, frame.end), value=f"{frame.second:.3f}")
            for frame in content.key_frames
        ]
