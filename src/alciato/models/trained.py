"""`trained:FOLDER`: a model that `alciato learn` trained: config.json, model.safetensors and README.md in one folder.

The folder names the kind of the model; the class of each kind is listed here, never in the folder. Weights are
safetensors, checked against the SHA-256 in the configuration. Nothing in the folder can carry code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alciato.errors import ModelError, naming_what_is_missing, unknown_name
from alciato.models.protocols import ModelInfo
from alciato.models.runtime import Runtime
from alciato.models.weights import file_hash
from alciato.registry import Registry

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT = "alciato-trained/1"

KINDS: Registry[Any] = Registry(
    "kind of trained model",
    {
        "meme-detector": "alciato.read.memetector:MemePictureDetector",
        "modular-judge": "alciato.judge.strategies.modular:TrainedModular",
    },
    group="alciato.trained_kinds",
)
"""Classes of trained models; `Class.of_trained(Trained, Runtime)` builds one from its folder."""


class _Weights(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class _Document(BaseModel):
    """Required fields of config.json; others are for people."""

    format: Literal["alciato-trained/1"]
    kind: str
    strategy: str
    classes: list[str]
    settings: dict[str, Any]
    weights: _Weights


@dataclass(frozen=True)
class Trained:
    """An opened folder: `settings` to build the model, `fill` to load its weights."""

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
            ModelError: the weights do not fit the model.
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
    """Open a folder and verify it.

    Raises:
        ModelError: the folder, its configuration or its weights are missing or damaged.
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
    """Load the model of a folder, for `runtime.load("trained:FOLDER", kind)`.

    Raises:
        UsageError: a kind that this version does not know, or that differs from the requested one.
        ModelError: see `open_trained`.
        MissingPackage: torch is not installed.
    """
    from alciato.models.runtime import wrong_kind

    trained = open_trained(rest)
    family = KINDS.get(trained.kind)
    with naming_what_is_missing():
        made = family.of_trained(trained, runtime)
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
        raise ModelError(f"it is not the configuration of a trained model ({first}).", where=str(path)) from error
