"""What was read from an item: findings with their place and confidence, by which model.

A `Reading` is all that one reader found in one part. A `Segment` is one thing that a search can match.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from alciato.item.span import Box, Span

ENCODE_KINDS = ("encode", "encode_images")
"""Kinds of reading that say that an encoder has encoded the texts, or the pictures and frames, of an item."""

READ_KINDS = (
    *("ocr", "language", "pdq", "shots", "speech", "nudity", "meme", "table", "caption", "segment"),
    *ENCODE_KINDS,
)
"""Kinds of reading. `segment` says that the segments of an item are in the store, made by that revision."""


class Finding(BaseModel):
    """One thing found in a part. Only the fields that apply are set.

    ocr: text, raw, box, confidence (video: start). speech: text, start, end, confidence.
    language: label, confidence. pdq: value (64 hexadecimal digits), confidence (quality 0..1), start.
    shots: start, end, value (seconds of the key frame). nudity: label, box, confidence, start.
    meme: label, confidence (the score), heat (where the decision looked), start. table, caption: text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    text: str | None = None
    raw: str | None = Field(None, description="the text as recognised, where `text` was respaced")
    label: str | None = None
    value: str | None = None
    box: Box | None = None
    start: float | None = Field(None, ge=0, description="seconds")
    end: float | None = Field(None, ge=0, description="seconds")
    confidence: float | None = Field(None, ge=0, le=1)
    heat: tuple[tuple[float, ...], ...] | None = Field(
        None, description="rows of a grid over the whole picture, from the top; all cells sum to 1"
    )


class Reading(BaseModel):
    """All that one reader found in one part of one item; or the reason why it could not."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    part: int = Field(ge=0, description="position of the part in the item")
    kind: str
    model: str = Field(description="name of the model, such as `packaged:rapidocr`")
    version: str = Field(description="version or fingerprint of model and preprocessing")
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    read_at: datetime | None = None


class Segment(Span):
    """One thing that a search can match: a body text, a line block, a speech segment, a key frame, a table."""

    id: str
    item: str
    raw: str | None = Field(None, description="the text as recognised, where `text` was respaced")
    language: str | None = Field(None, description="ISO 639-1 code of the text's language, where it is clear")
    pdq: str | None = Field(None, description="perceptual hash of a picture or frame, 64 hexadecimal digits")
