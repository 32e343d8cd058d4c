"""A verdict: what a policy says of an item, why, and what that rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alciato.item.span import Span

Decision = Literal["allow", "review", "remove"]


class Verdict(BaseModel):
    """One item judged against one policy by one strategy.

    `scores` has one entry a category, 0..1. `reasons` are sentences for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    source: str | None = None
    decision: Decision
    scores: dict[str, float]
    reasons: tuple[str, ...] = ()
    target: str | None = None
    evidence: tuple[Span, ...] = ()
    policy: str = Field(description="name and hash of the policy, `general@1a2b3c4d`")
    model: str
    strategy: str
    judged_at: datetime
