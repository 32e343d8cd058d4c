"""`trained:FOLDER`: a part that `alciato learn` made, in one folder of config.json, model.safetensors, README.md.

The folder says which *kind* it is; which class that means stands here, never in the folder. Weights are safetensors,
held against the SHA-256 in the configuration. Nothing in the folder can carry code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alciato.errors import ModelError, naming_what_is_missing, unknown_name
from alciato.models.protocols import ModelInfo
from alciato.models.runtime import Runtime
from alciato.models.weights import file_hash

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT = "alciato-trained/1"

KINDS: dict[str, str] = {
    "meme-detector": "alciato.read.memetector:MemePictureDetector",
    "modular-judge": "alciato.judge.strategies.modular_posts:TrainedModular",
}
"""Kind to `module:Class`; the class is made by `Class.of_trained(Trained, Runtime)`."""


class _Weights(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class _Document(BaseModel):
    """What config.json must hold; more may stand there for people."""

    format: Literal["alciato-trained/1"]
    kind: str
    strategy: str
    classes: list[str]
    settings: dict[str, Any]
    weights: _Weights


@dataclass(frozen=True)
class Trained:
    """An opened folder. `settings` build the model, `weights()` fills it."""

    folder: Path
    kind: str
    strategy: str
    classes: tuple[str, ...]
    settings: dict[str, Any]
    fingerprint: str

    @property
    def name(self) -> str:
        """Name of the model, `trained:FOLDER`."""
        return f"trained:{self.folder}"

    def fill(self, model: Any) -> Any:
        """Load the weights into a torch module and put it into evaluation mode.

        Raises:
            ModelError: the weights are not those of such a model.
        """
        from safetensors.torch import load_file

        try:
            model.load_state_dict(load_file(self.folder / WEIGHTS))
        except RuntimeError as error:
            raise ModelError(
                f"the weights do not fit a {self.kind}: {error}", where=str(self.folder), remedy="Train it again."
            ) from error
        return model.eval()


def open_trained(folder: str | Path) -> Trained:
    """Open a folder and check it.

    Raises:
        ModelError: no such folder, a configuration that is not one, weights that are missing or not the trained ones.
    """
    folder = Path(folder).expanduser()
    document = _read(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ModelError(f"{WEIGHTS} is missing.", where=str(folder), remedy="Copy the whole folder, or train again.")
    found = file_hash(weights)
    if found != document.weights.sha256:
        raise ModelError(
            f"{WEIGHTS} has SHA-256 {found[:16]}… instead of {document.weights.sha256[:16]}…",
            where=str(folder),
            remedy="It is damaged, or not what was trained: copy the whole folder, or train again.",
        )
    classes, fingerprint = tuple(document.classes), _fingerprint(document)
    return Trained(folder, document.kind, document.strategy, classes, document.settings, fingerprint)


def load_trained(rest: str, kind: type, runtime: Runtime) -> Any:
    """Load what a folder holds, for `alciato.models.load("trained:FOLDER", kind)`.

    Raises:
        UsageError: a kind that this version does not know, or another kind than asked for.
        ModelError: see `open_trained`.
        MissingPackage: torch is not installed.
    """
    from alciato.models.runtime import wrong_kind

    trained = open_trained(rest)
    if trained.kind not in KINDS:
        raise unknown_name("kind of trained model", trained.kind, list(KINDS))
    module, name = KINDS[trained.kind].split(":")
    with naming_what_is_missing():
        made = getattr(import_module(module), name).of_trained(trained, runtime)
    if not isinstance(made, kind):
        raise wrong_kind(trained.name, kind, [type(made).__name__])
    return made


def describe(rest: str, kind: type, runtime: Runtime, *, fetch: bool = True) -> ModelInfo:
    """Describe `trained:REST` from its configuration. Raises `UsageError` or `ModelError` as `load_trained` does."""
    del runtime, fetch
    folder = Path(rest).expanduser()
    document = _read(folder)
    if document.kind not in KINDS:
        raise unknown_name("kind of trained model", document.kind, list(KINDS))
    fingerprint, size = _fingerprint(document), document.weights.bytes
    return ModelInfo(f"trained:{folder}", kind.__name__, fingerprint, licence="your own", size_bytes=size)


def _fingerprint(document: _Document) -> str:
    settings = json.dumps([document.kind, document.settings, document.classes], sort_keys=True)
    return hashlib.sha256((document.weights.sha256 + settings).encode()).hexdigest()[:16]


def _read(folder: Path) -> _Document:
    path = folder / CONFIG
    if not path.is_file():
        raise ModelError(f"{CONFIG} is missing.", where=str(folder), remedy="Name a folder that `alciato learn` made.")
    try:
        return _Document.model_validate_json(path.read_text("utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ModelError(f"it is no configuration of a trained part ({first}).", where=str(path)) from error
