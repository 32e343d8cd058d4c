"""Language of a part, from all its words: written, in the picture, or said."""

from __future__ import annotations

from alciato.item import Finding
from alciato.read.content import PartContent
from alciato.read.language import detect_all


class LanguageReader:
    """`language`: label (ISO 639-1), confidence. No finding where it is not clear."""

    kind, model, version = "language", "fasttext:lid.176", "1"
    parts = frozenset({"text", "table", "image", "audio", "video"})
    after: tuple[str, ...] = ("ocr", "speech")

    def read(self, content: PartContent) -> list[Finding]:
        """Name the language of all words together."""
        found = [finding.text or "" for kind in self.after for finding in content.found.get(kind, ())]
        language = detect_all([content.text, *found])
        return [] if language.code is None else [Finding(label=language.code, confidence=min(1.0, language.confidence))]
