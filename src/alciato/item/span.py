"""`Span`: the one value that says where in an item something is."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

SEGMENT_KINDS = ("body", "ocr", "speech", "caption", "table", "picture", "frame")
"""Kinds of segment, the searchable pieces of a post."""


class Box(NamedTuple):
    """A rectangle in pixels of the picture as it is shown: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float


class Span(BaseModel):
    """A place in an item: the part, and in it the text, the box in pixels, or the seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    part: int = Field(ge=0, description="position of the part in the item")
    kind: str = Field(description="body, ocr, speech, caption, table, picture, frame or nudity")
    text: str = ""
    box: Box | None = None
    start: float | None = Field(None, description="seconds")
    end: float | None = Field(None, description="seconds")
