"""The readers that the settings name, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alciato.errors import MissingPackage, UsageError, unknown_name
from alciato.item.reading import READ_KINDS
from alciato.models import Chat, Detector, Ocr, Transcriber, load
from alciato.read.readers.caption import CaptionReader
from alciato.read.readers.detector import DetectorReader
from alciato.read.readers.hash import HashReader
from alciato.read.readers.language import LanguageReader
from alciato.read.readers.reader import Reader
from alciato.read.readers.shots import ShotReader
from alciato.read.readers.speech import SpeechReader
from alciato.read.readers.table import TableReader
from alciato.read.readers.words import WordsReader
from alciato.settings import Settings

PICTURES, SOUNDS = frozenset({"image", "video"}), frozenset({"audio", "video"})


def chosen_readers(settings: Settings, types: Iterable[str], kinds: Iterable[str] | None = None) -> list[Reader]:
    """Load the readers that the settings name, of some kinds or of all, as far as parts of these types need them.

    Raises `UsageError` for an unknown kind, and what loading a model raises.
    """
    here = frozenset(types)
    wanted = frozenset(READ_KINDS if kinds is None else kinds)
    for kind in sorted(wanted - set(READ_KINDS)):
        raise unknown_name("kind of reading", kind, list(READ_KINDS))
    makers: list[tuple[str, frozenset[str], Callable[[], Reader | None]]] = [
        ("ocr", PICTURES, lambda: _words(settings)),
        ("speech", SOUNDS, lambda: _speech(settings)),
        ("shots", ShotReader.parts, ShotReader),
        ("pdq", HashReader.parts, HashReader),
        ("nudity", PICTURES, lambda: _detector("nudity", settings.models.nudity, settings)),
        ("meme", PICTURES, lambda: _detector("meme", settings.models.meme, settings)),
        ("table", TableReader.parts, TableReader),
        ("caption", PICTURES, lambda: _caption(settings)),
    ]
    made = [make() for kind, parts, make in makers if kind in wanted and parts & here]
    readers = [reader for reader in made if reader is not None]
    if "language" in wanted:
        readers.append(LanguageReader())
    return readers


def _words(settings: Settings) -> Reader | None:
    if settings.models.ocr is None:
        return None
    return WordsReader(load(settings.models.ocr, Ocr, settings), _further_scripts(settings))


def _further_scripts(settings: Settings) -> list[Ocr]:
    """Tesseract for the scripts that are named, as far as it and they are installed; it is an extra, never a must."""
    found = []
    for script in settings.tesseract:
        try:
            found.append(load(f"packaged:tesseract/{script}", Ocr, settings))
        except (MissingPackage, UsageError):  # not installed, or without this language: `alciato models` says so
            continue
    return found


def _speech(settings: Settings) -> Reader | None:
    name = settings.models.transcriber
    return None if name is None else SpeechReader(load(name, Transcriber, settings))


def _detector(kind: str, name: str | None, settings: Settings) -> Reader | None:
    return None if name is None else DetectorReader(kind, load(name, Detector, settings))


def _caption(settings: Settings) -> Reader | None:
    name = settings.models.captioner
    return None if name is None else CaptionReader(load(name, Chat, settings))
