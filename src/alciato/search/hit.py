"""What a search gives: hits with the place that matched and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from alciato.item import Box, Span


class Reason(BaseModel):
    """Why a post was found: a retriever, the post's rank in its list, and the place in the post that matched.

    Retrievers: `bm25` (score: BM25), `trigram` (score: similarity of a part of a word, 0..1), `dense` (score: cosine),
    `near_copy` (distance: PDQ bits, 0..256), `image` (score: cosine of pictures). `facet` is the part of the query
    that was followed: `text`, `image`, `text in the image` or `item`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    retriever: str
    facet: str = "text"
    rank: int = Field(ge=1)
    score: float | None = None
    distance: int | None = Field(None, ge=0, le=256, description="bits in which the perceptual hashes differ")
    span: Span


class Hit(BaseModel):
    """A post that answers, and where its best matching segment is. `score` is the fused one; it only ranks."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    score: float
    span: Span
    source: str | None = Field(None, description="path of the file that the post came from")
    why: tuple[Reason, ...] = ()


def span_of(row: Mapping[str, Any]) -> Span:
    """The place of a segment's row."""
    return Span(
        part=row["part"],
        kind=row["kind"],
        text=row["text"] or "",
        box=None if row["box"] is None else Box(*row["box"]),
        start=row["start"],
        end=row["end"],
    )
