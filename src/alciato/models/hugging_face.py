"""`hf:ORG/NAME` or `hf:/a/folder`: Hugging Face models, through transformers and sentence-transformers.

Only configuration and safetensors files are ever fetched from the hub, and only safetensors are loaded: no pickle,
no code of the repository. (CTranslate2's `model.bin`, for Transcribers, is a plain table and carries no code.)
What a folder is, its files say: `modules.json` is a sentence encoder, a dual encoder has two towers in its
configuration, `model.bin` is CTranslate2.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alciato.errors import ModelError, not_installed
from alciato.models.device import chosen_device, device_for, quiet_transformers
from alciato.models.openmp import openmp
from alciato.models.protocols import Chat, Encoder, ModelInfo, Transcriber
from alciato.models.runtime import Runtime, wrong_kind
from alciato.models.weights import package_version, remembered_hash
from alciato.settings import Settings

FETCHED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "README.md"]
KINDS = {
    Encoder: "alciato.models.hugging_face:load_encoder",
    Chat: "alciato.models.chat_transformers:ChatTransformers",
    Transcriber: "alciato.models.hugging_face:load_transcriber",
}


def load_hugging_face(rest: str, kind: type, runtime: Runtime) -> Any:
    """Load `hf:REST`. Raises `UsageError`, `MissingPackage` or `ModelError`."""
    settings = runtime.settings
    if kind not in KINDS:
        raise wrong_kind(f"hf:{rest}", kind, [known.__name__ for known in KINDS])
    folder = fetched(rest, settings, kind, local_only=settings.offline)
    module, function = KINDS[kind].split(":")
    need("safetensors")
    from safetensors import SafetensorError

    try:
        # PyTorch, if it is imported here first, brings the OpenMP that llama.cpp will then share.
        with openmp(settings.threads), _quiet(folder, kind):
            return getattr(import_module(module), function)(f"hf:{rest}", folder, settings)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(f"hf:{rest} cannot be loaded: {_first_line(error)}", where=str(folder)) from error


def describe(rest: str, kind: type, runtime: Runtime, *, fetch: bool = True) -> ModelInfo:
    """Describe `hf:REST` from its configuration and the hashes of its files. Raises as `load_hugging_face` does."""
    settings = runtime.settings
    if kind not in KINDS:
        raise wrong_kind(f"hf:{rest}", kind, [known.__name__ for known in KINDS])
    folder = fetched(rest, settings, kind, local_only=settings.offline or not fetch)
    description = configuration(folder)
    library = _library(folder, kind)
    sees = "vision_config" in description and (kind is Chat or library == "transformers")
    return ModelInfo(
        name=f"hf:{rest}",
        kind=kind.__name__,
        fingerprint=folder_fingerprint(folder, settings, library),
        dimension=dimension_of(folder, description) if kind is Encoder else None,
        modalities=frozenset({"audio"} if kind is Transcriber else {"text", "image"} if sees else {"text"}),
        context_length=_context_length(folder, description) if kind is not Transcriber else None,
        supports_images=sees and kind is Chat,
        licence=_licence(folder),
        size_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in {".safetensors", ".bin"}),
        device=_device(settings, library),
    )


def _device(settings: Settings, library: str) -> str:
    """Where the model will run. Raises `UsageError` if that device is not there."""
    if settings.device == "cpu":
        return "cpu"
    if library == "faster-whisper":
        from alciato.models.transcriber_faster import ctranslate2_devices

        need("faster_whisper")
        return chosen_device(settings.device, ctranslate2_devices())
    need("torch")
    with openmp(settings.threads):
        return device_for(settings)


def _quiet(folder: Path, kind: type) -> AbstractContextManager[None]:
    return nullcontext() if _library(folder, kind) == "faster-whisper" else quiet_transformers()


def need(*modules: str) -> None:
    """Raise `MissingPackage` with what to install if a module is not there."""
    for module in modules:
        if find_spec(module) is None:
            raise not_installed(module)


def fetched(rest: str, settings: Settings, kind: type, *, local_only: bool) -> Path:
    """The folder of a model: one's own, or the hub's snapshot on this disk, fetched unless `local_only`."""
    own = Path(rest).expanduser()
    if own.is_absolute() or rest.startswith((".", "~")):
        if not own.is_dir():
            raise ModelError("there is no such folder.", where=str(own))
        return own
    need("huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = [*FETCHED, "model.bin"] if kind is Transcriber else FETCHED
    try:
        return Path(snapshot_download(rest, allow_patterns=patterns, local_files_only=local_only))
    except LocalEntryNotFoundError as error:
        if local_only and not settings.offline:
            raise ModelError(f"hf:{rest} has not been fetched yet.", remedy="It is fetched when first used.") from error
        remedy = "Take `offline` out of the settings, or copy the model here and name its folder."
        raise ModelError(f"hf:{rest} is not on this disk, and cannot be fetched.", remedy=remedy) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelError(f"hf:{rest} cannot be fetched: {_first_line(error)}") from error


def load_encoder(name: str, folder: Path, settings: Settings) -> Encoder:
    """A dual encoder for words and pictures, or a sentence encoder."""
    check_safe(folder)
    if _library(folder, Encoder) == "transformers":
        from alciato.models.encoder_dual import DualEncoder

        return DualEncoder(name, folder, settings)
    from alciato.models.encoder_sentence import SentenceEncoder

    return SentenceEncoder(name, folder, settings)


def load_transcriber(name: str, folder: Path, settings: Settings) -> Transcriber:
    """Whisper by faster-whisper where the folder is CTranslate2's, else by transformers."""
    if _library(folder, Transcriber) == "faster-whisper":
        from alciato.models.transcriber_faster import FasterWhisper

        return FasterWhisper(name, folder, settings)
    from alciato.models.transcriber_transformers import TransformersTranscriber

    check_safe(folder)
    return TransformersTranscriber(name, folder, settings)


def check_safe(folder: Path) -> None:
    """Refuse a folder without safetensors, and one whose modules keep their weights in a pickle only."""
    if not list(folder.rglob("*.safetensors")):
        raise ModelError(
            "the model has no safetensors file; pickled weights are not loaded.",
            where=str(folder),
            remedy="Convert it to safetensors, or name another model.",
        )
    for pickle in (path for ending in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.rglob(ending)):
        if not list(pickle.parent.glob("*.safetensors")):
            raise ModelError(f"{pickle.relative_to(folder)} is a pickle; it is not loaded.", where=str(folder))


def configuration(folder: Path) -> dict[str, Any]:
    """The model's config.json; empty if it has none."""
    found = _json(folder / "config.json")
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> Any:
    """A JSON file; None if there is none. Raises `ModelError` if it is damaged."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(f"{path.name} is not JSON.", where=str(path), remedy="Copy the folder again.") from error


def folder_fingerprint(folder: Path, settings: Settings, library: str) -> str:
    """Hash of all files that decide what the model gives, the version of its library, and the number type if set.

    With `dtype = "auto"` the same model has one fingerprint on every device, so that a collection that was encoded on
    a GPU can be searched on a CPU; its vectors then differ by the rounding of the weights' own type.
    """
    cache = settings.cache.expanduser()
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _DECIDING)
    sums = "".join(f"{path.relative_to(folder)}{remembered_hash(path, cache)}" for path in files)
    dtype = "" if settings.dtype == "auto" else f"/{settings.dtype}"
    return f"{hashlib.sha256(sums.encode()).hexdigest()[:12]}/{library}-{package_version(library)}{dtype}"


def _library(folder: Path, kind: type) -> str:
    """The library that runs what a folder holds."""
    if kind is Transcriber:
        is_ctranslate2 = (folder / "model.bin").exists() and not list(folder.glob("*.safetensors"))
        return "faster-whisper" if is_ctranslate2 else "transformers"
    description = configuration(folder)
    two_towers = "vision_config" in description and "text_config" in description
    is_sentence = kind is Encoder and (not two_towers or (folder / "modules.json").exists())
    return "sentence-transformers" if is_sentence else "transformers"


def dimension_of(folder: Path, description: Mapping[str, Any]) -> int | None:
    """Length of an encoder's vectors, from the configurations of its modules; None where they do not tell."""
    modules = _json(folder / "modules.json") or []
    for module in reversed(modules if isinstance(modules, list) else []):
        own = _json(folder / str(module.get("path", "")) / "config.json") if isinstance(module, dict) else None
        for key in ("out_features", "word_embedding_dimension", "embedding_dimension", "hidden_size"):
            if isinstance(own, dict) and isinstance(own.get(key), int):
                return int(own[key])
    text = description.get("text_config")
    places = [description, text if isinstance(text, dict) else {}]
    for key in ("projection_dim", "projection_size", "hidden_size", "d_model", "dim"):
        for place in places:
            if isinstance(place.get(key), int):
                return int(place[key])
    return None


def _context_length(folder: Path, description: Mapping[str, Any]) -> int | None:
    own = _json(folder / "sentence_bert_config.json") or {}
    text = description.get("text_config")
    for place in (own, description, text):
        for key in ("max_seq_length", "max_position_embeddings", "n_positions"):
            if isinstance(place, dict) and isinstance(place.get(key), int):
                return int(place[key])
    return None


def _licence(folder: Path) -> str:
    """The licence that the model's card names in its front matter."""
    try:
        card = (folder / "README.md").read_text("utf-8", "replace")[:10_000]
    except OSError:
        return "unknown"
    named = re.search(r"^license:\s*(\S.*)$", card.partition("\n---")[0], re.MULTILINE)
    return named[1].strip() if named else "unknown"


_DECIDING = {".json", ".safetensors", ".txt", ".model", ".jinja", ".bin"}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
