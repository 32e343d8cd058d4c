"""A verdict: what a policy says of an item, why, and what that rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alciato.item.span import Span

Decision = Literal["allow", "review", "remove"]


class Step(BaseModel):
    """One step of a strategy on its way to the scores: what was done, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    result: str = ""


class Verdict(BaseModel):
    """One item judged against one policy by one strategy.

    `scores` has one entry a category, 0..1, and none where the item could not be judged. `reasons` are sentences for
    people; `trace` lists the steps of the strategy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    item: str
    source: str | None = None
    decision: Decision
    scores: dict[str, float]
    reasons: tuple[str, ...] = ()
    target: str | None = None
    evidence: tuple[Span, ...] = ()
    trace: tuple[Step, ...] = ()
    policy: str = Field(description="name and hash of the policy, `general@1a2b3c4d`")
    model: str
    strategy: str
    judged_at: datetime
