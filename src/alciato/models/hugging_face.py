"""`hf:ORG/NAME` or `hf:/a/folder`: Hugging Face models, through transformers and sentence-transformers.

Only configuration and safetensors files are ever fetched from the hub, and only safetensors are loaded: no pickle,
no code of the repository. (CTranslate2's `model.bin`, for Transcribers, is a plain table and carries no code.)
What a folder is, its files say: `modules.json` is a sentence encoder, a dual encoder has two towers in its
configuration, `model.bin` is CTranslate2.
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alciato.errors import ModelError, not_installed
from alciato.models.openmp import openmp
from alciato.models.protocols import Chat, Encoder, Transcriber
from alciato.models.runtime import Runtime, wrong_kind
from alciato.models.weights import package_version, remembered_hash
from alciato.settings import Settings

FETCHED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
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
    need("huggingface_hub")
    folder = fetched(rest, settings, [*FETCHED, "model.bin"] if kind is Transcriber else FETCHED)
    module, function = KINDS[kind].split(":")
    need("safetensors")
    from safetensors import SafetensorError

    try:
        with openmp(settings.threads):  # PyTorch brings the OpenMP that llama.cpp will then share
            return getattr(import_module(module), function)(f"hf:{rest}", folder, settings)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(f"hf:{rest} cannot be loaded: {_first_line(error)}", where=str(folder)) from error


def need(*modules: str) -> None:
    """Raise `MissingPackage` with what to install if a module is not there."""
    for module in modules:
        if find_spec(module) is None:
            raise not_installed(module)


def fetched(rest: str, settings: Settings, patterns: list[str]) -> Path:
    """The folder of a model: one's own, or the hub's snapshot on this disk."""
    own = Path(rest).expanduser()
    if own.is_absolute() or rest.startswith((".", "~")):
        if not own.is_dir():
            raise ModelError("there is no such folder.", where=str(own))
        return own
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(rest, allow_patterns=patterns, local_files_only=settings.offline))
    except LocalEntryNotFoundError as error:
        remedy = "Take `offline` out of the settings, or copy the model here and name its folder."
        raise ModelError(f"hf:{rest} is not on this disk, and cannot be fetched.", remedy=remedy) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelError(f"hf:{rest} cannot be fetched: {_first_line(error)}") from error


def load_encoder(name: str, folder: Path, settings: Settings) -> Encoder:
    """A dual encoder for words and pictures, or a sentence encoder."""
    check_safe(folder)
    description = configuration(folder)
    if "vision_config" in description and "text_config" in description and not (folder / "modules.json").exists():
        from alciato.models.encoder_dual import DualEncoder

        return DualEncoder(name, folder, settings)
    from alciato.models.encoder_sentence import SentenceEncoder

    return SentenceEncoder(name, folder, settings)


def load_transcriber(name: str, folder: Path, settings: Settings) -> Transcriber:
    """Whisper by faster-whisper where the folder is CTranslate2's, else by transformers."""
    if (folder / "model.bin").exists() and not list(folder.glob("*.safetensors")):
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
    path = folder / "config.json"
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError("config.json is not JSON.", where=str(path)) from error
    return found if isinstance(found, dict) else {}


def folder_fingerprint(folder: Path, settings: Settings, library: str) -> str:
    """Hash of all files that decide what the model gives, and the version of the library that runs it."""
    cache = settings.cache.expanduser()
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _DECIDING)
    sums = "".join(f"{path.relative_to(folder)}{remembered_hash(path, cache)}" for path in files)
    return f"{hashlib.sha256(sums.encode()).hexdigest()[:12]}/{library}-{package_version(library)}"


_DECIDING = {".json", ".safetensors", ".txt", ".model", ".jinja", ".bin"}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def prepare_torch(settings: Settings) -> None:
    """Tell PyTorch how many threads to take, and transformers to keep its advice to itself."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
