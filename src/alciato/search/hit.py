"""What a search gives: hits with the part that matched and the reasons."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from alciato.item import Box


class Reason(BaseModel):
    """Why a post was found: a route, the post's rank in it, and what in the post matched.

    Routes: `words` (score: BM25), `parts of words` (score: likeness, 0..1), `meaning` (score: cosine),
    `copy` (distance: PDQ bits, 0..256), `looks` (score: cosine of pictures). A route that was followed for
    the words read in the query picture has ` in the picture` behind its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    route: str
    rank: int = Field(ge=1)
    score: float | None = None
    distance: int | None = Field(None, ge=0, le=256, description="bits in which the perceptual hashes differ")
    part: int = Field(ge=0)
    kind: str
    text: str = ""
    box: Box | None = None
    start: float | None = None


class Hit(BaseModel):
    """A post that answers, and its best matching segment. `score` is the fused one; it only ranks."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    score: float
    part: int = Field(ge=0, description="position of the part in the item")
    kind: str = Field(description="body, ocr, speech, caption, table, picture or frame")
    text: str = ""
    box: Box | None = Field(None, description="where in the picture, in pixels")
    start: float | None = Field(None, description="second in the clip or recording")
    end: float | None = None
    source: str | None = Field(None, description="path of the file that the post came from")
    why: tuple[Reason, ...] = ()
