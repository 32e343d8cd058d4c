"""Clusters of near copies: the members, and how each relates to the representative."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Relation = Literal["original", "copy", "crop", "recaption", "frame"]
"""original: the largest picture of its cluster. copy: all of it, resized or recompressed. crop: a part of it.
recaption: the same picture with other words. frame: a still picture and a clip that shows it."""


class Member(BaseModel):
    """A post in a cluster: which part, and how it relates to the original."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    item: str
    part: int = Field(ge=0)
    relation: Relation
    source: str | None = None
    distance: int | None = Field(None, ge=0, le=256, description="PDQ bits between it and the original")
    start: float | None = Field(None, description="second of the frame, in a clip")


class Cluster(BaseModel):
    """Near copies of one picture, the original first."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    members: tuple[Member, ...] = Field(min_length=2)
