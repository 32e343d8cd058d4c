"""The parts of an item. Media parts name their bytes by SHA-256; the bytes live in the collection."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

INTEGER_BITS = 14_000
"""Size of an integer in a cell or in metadata: JSON readers take 4,300 digits."""

SIDE = 2**31 - 1
"""Pixels of a side at most."""


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"character {error.start} is half of a surrogate pair, which no file can hold"
        raise ValueError(message) from error
    return text


Words = Annotated[str, AfterValidator(_unicode)]
"""Text that every encoding of Unicode can hold."""

Scalar = str | bool | int | float | None
"""A cell of a table. Floats are finite, integers have at most `INTEGER_BITS`."""


def check_scalar(value: Scalar) -> None:
    """Raise `ValueError` for text or an integer that JSON cannot hold."""
    if isinstance(value, str):
        _unicode(value)
    elif isinstance(value, int) and value.bit_length() > INTEGER_BITS:
        message = f"an integer of {value.bit_length()} bits, at most {INTEGER_BITS} are taken"
        raise ValueError(message)


def media_hash(data: bytes) -> str:
    """SHA-256 of the bytes, 64 hexadecimal digits: the name of a medium everywhere in Alciato."""
    return hashlib.sha256(data).hexdigest()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Text(_Part):
    """Words that came as text: the body of a post, a caption, a title."""

    type: Literal["text"] = "text"
    text: Words
    name: Words | None = Field(None, description="role of the text, such as `title` or `caption`")


class Media(_Part):
    """What pictures, recordings and clips have in common: bytes, named by their hash."""

    media: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes")
    mime: str = Field(min_length=3, description="what the bytes are, such as `image/png`, found from the bytes")
    name: Words | None = Field(None, description="file name that it came with")


class Image(Media):
    """A still picture. Width and height in pixels, after the orientation tag is applied."""

    type: Literal["image"] = "image"
    width: int = Field(ge=1, le=SIDE)
    height: int = Field(ge=1, le=SIDE)


class Audio(Media):
    """A recording. Duration in seconds."""

    type: Literal["audio"] = "audio"
    duration: float = Field(ge=0)


class Video(Media):
    """A clip, or an animated picture. Width and height in pixels, duration in seconds."""

    type: Literal["video"] = "video"
    width: int = Field(ge=1, le=SIDE)
    height: int = Field(ge=1, le=SIDE)
    duration: float = Field(ge=0)


class Table(_Part):
    """Rows under named columns; every row has one cell for each column."""

    type: Literal["table"] = "table"
    columns: tuple[Words, ...] = Field(strict=False)
    rows: tuple[Annotated[tuple[Scalar, ...], Field(strict=False)], ...] = Field(strict=False)
    name: Words | None = None

    @model_validator(mode="after")
    def _check_cells(self) -> Self:
        """Refuse a ragged table, and cells that no JSON could hold."""
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                message = f"row {number} has {len(row)} cells, but there are {len(self.columns)} columns"
                raise ValueError(message)
            for cell in row:
                check_scalar(cell)
        return self


Part = Annotated[Text | Image | Audio | Video | Table, Field(discriminator="type")]
