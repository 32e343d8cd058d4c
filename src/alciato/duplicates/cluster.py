"""Clusters of near copies: the members, and how each relates to the representative."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Relation = Literal["representative", "copy", "crop", "recaption", "frame", "linked"]
"""How a member relates to the representative, the copy of highest quality: a still before a clip, then the one with the
most pixels, then the earliest. copy: all of it, resized or recompressed. crop: one is a part of the other. recaption:
the same picture with other words. frame: a still picture and a clip that shows it. linked: a near copy of another
member, but not of the representative itself. Who posted first is not told by it."""


class Member(BaseModel):
    """A post in a cluster: which part, and how it relates to the representative."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    part: int = Field(ge=0)
    relation: Relation
    source: str | None = None
    distance: int | None = Field(None, ge=0, le=256, description="PDQ bits between it and the representative")
    start: float | None = Field(None, description="second of the frame, in a clip")


class Cluster(BaseModel):
    """Near copies of one picture, the representative first."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    members: tuple[Member, ...] = Field(min_length=2)
