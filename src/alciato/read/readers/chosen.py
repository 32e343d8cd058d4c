"""The readers that the settings name, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alciato.errors import MissingPackage, UsageError, unknown_name
from alciato.item.reading import READ_KINDS
from alciato.models import Chat, Detector, Ocr, Runtime, Transcriber
from alciato.read.readers.caption import CaptionReader
from alciato.read.readers.detector import DetectorReader
from alciato.read.readers.hash import HashReader
from alciato.read.readers.language import LanguageReader
from alciato.read.readers.reader import Reader
from alciato.read.readers.shots import ShotReader
from alciato.read.readers.speech import SpeechReader
from alciato.read.readers.table import TableReader
from alciato.read.readers.words import WordsReader

PICTURES, SOUNDS = frozenset({"image", "video"}), frozenset({"audio", "video"})


def chosen_readers(runtime: Runtime, types: Iterable[str], kinds: Iterable[str] | None = None) -> list[Reader]:
    """Load the readers that the settings name, of some kinds or of all, as far as parts of these types need them.

    Raises `UsageError` for an unknown kind, and what loading a model raises.
    """
    here = frozenset(types)
    wanted = frozenset(READ_KINDS if kinds is None else kinds)
    for kind in sorted(wanted - set(READ_KINDS)):
        raise unknown_name("kind of reading", kind, list(READ_KINDS))
    makers: list[tuple[str, frozenset[str], Callable[[], Reader | None]]] = [
        ("ocr", PICTURES, lambda: _words(runtime)),
        ("speech", SOUNDS, lambda: _speech(runtime)),
        ("shots", ShotReader.parts, ShotReader),
        ("pdq", HashReader.parts, HashReader),
        ("nudity", PICTURES, lambda: _detector("nudity", runtime.settings.models.nudity, runtime)),
        ("meme", PICTURES, lambda: _detector("meme", runtime.settings.models.meme, runtime)),
        ("table", TableReader.parts, TableReader),
        ("caption", PICTURES, lambda: _caption(runtime)),
    ]
    made = [make() for kind, parts, make in makers if kind in wanted and parts & here]
    readers = [reader for reader in made if reader is not None]
    if "language" in wanted:
        readers.append(LanguageReader())
    return readers


def _words(runtime: Runtime) -> Reader | None:
    if runtime.settings.models.ocr is None:
        return None
    return WordsReader(runtime.load(runtime.settings.models.ocr, Ocr), _further_scripts(runtime))


def _further_scripts(runtime: Runtime) -> list[Ocr]:
    """Tesseract for the scripts that are named, as far as it and they are installed; it is an extra, never a must."""
    found = []
    for script in runtime.settings.tesseract:
        try:
            found.append(runtime.load(f"packaged:tesseract/{script}", Ocr))
        except (MissingPackage, UsageError):  # not installed, or without this language: `alciato models` says so
            continue
    return found


def _speech(runtime: Runtime) -> Reader | None:
    name = runtime.settings.models.transcriber
    return None if name is None else SpeechReader(runtime.load(name, Transcriber))


def _detector(kind: str, name: str | None, runtime: Runtime) -> Reader | None:
    return None if name is None else DetectorReader(kind, runtime.load(name, Detector))


def _caption(runtime: Runtime) -> Reader | None:
    name = runtime.settings.models.captioner
    return None if name is None else CaptionReader(runtime.load(name, Chat))
