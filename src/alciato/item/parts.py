"""The parts of an item. Media parts name their bytes by SHA-256; the bytes live in the collection."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | bool | int | float | None
"""A cell of a table. Floats are finite."""


def media_hash(data: bytes) -> str:
    """SHA-256 of the bytes, 64 hexadecimal digits: the name of a medium everywhere in Alciato."""
    return hashlib.sha256(data).hexdigest()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Text(_Part):
    """Words that came as text: the body of a post, a caption, a title."""

    type: Literal["text"] = "text"
    text: str
    name: str | None = Field(None, description="role of the text, such as `title` or `caption`")


class Media(_Part):
    """What pictures, recordings and clips have in common: bytes, named by their hash."""

    media: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes")
    mime: str = Field(min_length=3, description="what the bytes are, such as `image/png`, found from the bytes")
    name: str | None = Field(None, description="file name that it came with")


class Image(Media):
    """A still picture. Width and height in pixels, after the orientation tag is applied."""

    type: Literal["image"] = "image"
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class Audio(Media):
    """A recording. Duration in seconds."""

    type: Literal["audio"] = "audio"
    duration: float = Field(ge=0)


class Video(Media):
    """A clip, or an animated picture. Width and height in pixels, duration in seconds."""

    type: Literal["video"] = "video"
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    duration: float = Field(ge=0)


class Table(_Part):
    """Rows under named columns; every row has one cell for each column."""

    type: Literal["table"] = "table"
    columns: tuple[str, ...] = Field(strict=False)
    rows: tuple[tuple[Scalar, ...], ...] = Field(strict=False)
    name: str | None = None

    def model_post_init(self, _context: object) -> None:
        """Refuse a ragged table."""
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                message = f"row {number} has {len(row)} cells, but there are {len(self.columns)} columns"
                raise ValueError(message)


Part = Annotated[Text | Image | Audio | Video | Table, Field(discriminator="type")]
