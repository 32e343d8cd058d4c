"""Readers: each looks at one part and gives what is there, by one model. They know nothing of storage or other items.

`ChosenReaders` holds those that the settings name. Their models are described at once, which tells what has been
read already, and loaded when they are first used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Protocol, cast

from alciato.errors import MissingPackage, UsageError, unknown_name
from alciato.item import Finding
from alciato.item.reading import READ_KINDS
from alciato.media import SOUND_RATE, stretches
from alciato.models import Chat, Detector, Encoder, Message, Ocr, Runtime, Transcriber
from alciato.read.content import PartContent
from alciato.read.language import detect_all
from alciato.read.pdq import pdq
from alciato.read.segments import segments_made_by
from alciato.read.words import WordsReader

PICTURES, SOUNDS = frozenset({"image", "video"}), frozenset({"audio", "video"})
TABLE_PASSAGE = 800  # characters of one finding of a table, about
INSTRUCTION = (
    "Describe in one or two plain sentences what can be seen, so that somebody who searches can find it: "
    "who or what, doing what, where. Do not interpret and do not repeat words written in the picture."
)
FRAMES = 4  # key frames of a clip that are shown


class Reader(Protocol):
    """One kind of reading by one model.

    `version` changes whenever the same part could give other findings; then the part is read again.
    `after` names the kinds of reading whose findings this one takes from `content.found`: with these it is done again.
    """

    kind: str
    model: str
    version: str
    parts: frozenset[str]  # types of part that it applies to
    after: tuple[str, ...]

    def read(self, content: PartContent) -> list[Finding]:
        """Give what is there. Raises `BadMedia` or `ModelError` with the reason why it cannot."""
        ...


class DeferredModel:
    """A model that is described now and loaded when it is first used: name and fingerprint need no weights."""

    def __init__(self, runtime: Runtime, name: str, kind: type) -> None:
        self.info = runtime.describe(name, kind)
        self.name, self.fingerprint = self.info.name, self.info.fingerprint
        self._load: Callable[[], Any] = lambda: runtime.load(name, kind)

    @property
    def supports_images(self) -> bool:
        """Whether a chat model takes pictures."""
        return self.info.supports_images

    @property
    def dimension(self) -> int:
        """Length of an encoder's vectors; a server that has not said it is asked."""
        return self.info.dimension or int(self.load().dimension)

    def load(self) -> Any:
        """Give the model itself. Raises what loading it raises."""
        return self._load()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)


class ChosenReaders:
    """The readers that the settings name, in the order in which they need each other, with the models behind them."""

    def __init__(self, runtime: Runtime, types: Iterable[str], kinds: Iterable[str] | None = None) -> None:
        """Describe the models, as far as parts of these types need them. Raises what describing a model raises."""
        here = frozenset(types)
        self._runtime, self._models = runtime, runtime.settings.models
        self.kinds = frozenset(READ_KINDS if kinds is None else kinds)
        for kind in sorted(self.kinds - set(READ_KINDS)):
            raise unknown_name("kind of reading", kind, list(READ_KINDS))
        self._models_of: list[tuple[str, DeferredModel]] = []
        makers: list[tuple[str, frozenset[str], Callable[[], Reader | None]]] = [
            ("ocr", PICTURES, self._words),
            ("speech", SOUNDS, self._speech),
            ("shots", ShotReader.parts, ShotReader),
            ("pdq", HashReader.parts, HashReader),
            ("nudity", PICTURES, lambda: self._detector("nudity", self._models.nudity)),
            ("meme", PICTURES, lambda: self._detector("meme", self._models.meme)),
            ("table", TableTextReader.parts, TableTextReader),
            ("caption", PICTURES, self._caption),
            ("language", LanguageReader.parts, LanguageReader),
        ]
        made = [make() for kind, parts, make in makers if kind in self.kinds and parts & here]
        self.readers: list[Reader] = [reader for reader in made if reader is not None]

    @cached_property
    def encoder(self) -> Encoder:
        """What makes the vectors of words."""
        return cast("Encoder", self._deferred("encode", self._models.encoder, Encoder))

    @cached_property
    def image_encoder(self) -> Encoder | None:
        """What makes the vectors of pictures, if one is named."""
        name = self._models.image_encoder
        return None if name is None else cast("Encoder", self._deferred("encode_images", name, Encoder))

    def behind(self, kinds: Iterable[str]) -> list[DeferredModel]:
        """The models that work of these kinds needs; words that it may find are encoded too."""
        wanted = frozenset(kinds)
        made = segments_made_by(wanted)
        encoders: set[Any] = ({self.encoder} if made - {"picture", "frame"} or "encode" in wanted else set()) | (
            {self.image_encoder} if made & {"picture", "frame"} or "encode_images" in wanted else set()
        )
        return [model for kind, model in self._models_of if kind in wanted or model in encoders]

    def _deferred(self, kind: str, name: str, protocol: type) -> Any:
        model = DeferredModel(self._runtime, name, protocol)
        self._models_of.append((kind, model))
        return model

    def _words(self) -> Reader | None:
        if self._models.ocr is None:
            return None
        return WordsReader(self._deferred("ocr", self._models.ocr, Ocr), self._further_scripts())

    def _further_scripts(self) -> list[Ocr]:
        """Tesseract for the scripts that are named, as far as it and they are installed: it is an extra."""
        found = []
        for script in self._runtime.settings.tesseract:
            try:
                found.append(self._deferred("ocr", f"packaged:tesseract/{script}", Ocr))
            except (MissingPackage, UsageError):  # not installed, or without this language: `alciato models` says so
                continue
        return found

    def _speech(self) -> Reader | None:
        name = self._models.transcriber
        return None if name is None else SpeechReader(self._deferred("speech", name, Transcriber))

    def _detector(self, kind: str, name: str | None) -> Reader | None:
        return None if name is None else DetectorReader(kind, self._deferred(kind, name, Detector))

    def _caption(self) -> Reader | None:
        name = self._models.captioner
        return None if name is None else CaptionReader(self._deferred("caption", name, Chat))


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


class TableTextReader:
    """`table`: text. Each row stands with its column names."""

    kind, model, version = "table", "rows", "1"
    parts = frozenset({"table"})
    after: tuple[str, ...] = ()

    def read(self, content: PartContent) -> list[Finding]:
        """Give the rows, grouped to passages."""
        found, waiting = [], ""
        for line in content.text.split("\n"):
            if waiting and len(waiting) + len(line) > TABLE_PASSAGE:
                found.append(Finding(text=waiting))
                waiting = ""
            waiting = f"{waiting}\n{line}".strip("\n")
        return [*found, Finding(text=waiting)] if waiting else found


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


class CaptionReader:
    """`caption`: text."""

    kind = "caption"
    parts = frozenset({"image", "video"})
    after: tuple[str, ...] = ()

    def __init__(self, chat: Chat) -> None:
        """Raise `UsageError` if the model does not see."""
        if not chat.supports_images:
            raise UsageError(f"{chat.name} does not take pictures.", remedy="Name a vision-language model, or none.")
        prompt = hashlib.sha256(INSTRUCTION.encode()).hexdigest()[:8]
        self.model, self.version = chat.name, f"{chat.fingerprint}+{prompt}"
        self._chat = chat

    def read(self, content: PartContent) -> list[Finding]:
        """Ask for a description of all that is seen, a clip's frames spread over its length."""
        step = max(1, -(-len(content.views) // FRAMES))
        pictures = [view.picture for view in content.views[::step]]
        answer = self._chat.generate([Message("user", [*pictures, INSTRUCTION])], max_tokens=160).text.strip()
        return [Finding(text=answer)] if answer else []
