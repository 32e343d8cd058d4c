"""What is said in a clip or recording, with times. Long sound is cut at quiet moments, so that memory stays bounded."""

from __future__ import annotations

from alciato.item import Finding
from alciato.media.audio import SOUND_RATE, stretches
from alciato.models import Transcriber
from alciato.read.content import PartContent


class SpeechReader:
    """`speech`: text, start, end, confidence. Voice activity is the transcriber's own affair."""

    kind = "speech"
    parts = frozenset({"audio", "video"})
    after: tuple[str, ...] = ()

    def __init__(self, transcriber: Transcriber) -> None:
        self.model, self.version = transcriber.name, f"{transcriber.fingerprint}+stretches1"
        self._transcriber = transcriber

    def read(self, content: PartContent) -> list[Finding]:
        """Transcribe stretch by stretch; an animated picture says nothing."""
        if getattr(content.part, "mime", "").startswith("image/"):
            return []
        found = []
        for offset, samples in stretches(content.sound()):
            for segment in self._transcriber.transcribe(samples, SOUND_RATE):
                start = round(offset + (segment.start or 0.0), 3)
                end = round(offset + (segment.end if segment.end is not None else len(samples) / SOUND_RATE), 3)
                found.append(segment.model_copy(update={"start": start, "end": end}))
        return found
