"""What the demo consists of: `posts.yaml` and `queries.yaml`, typed."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

Kind = Literal["picture", "text", "clip", "animation", "recording", "page", "note", "table"]
Style = Literal["meme", "captioned", "sign", "chat", "plain"]
Transformation = Literal["resized", "recompressed", "cropped", "frame"]


class _Typed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scene(_Typed):
    """Little pictures before a sky and a ground; each a character, its centre (0..1) and its size (0..1)."""

    sky: str
    ground: str
    placed: tuple[tuple[str, float, float, float], ...]


class Made(_Typed):
    """One post as `posts.yaml` describes it."""

    id: str
    kind: Kind | None = None
    file: str | None = Field(None, description="path under the folder of posts; None for a row without a picture")
    table: str | None = Field(None, description="the table of posts in which it is a row")
    language: str | None = None
    picture: str | None = Field(None, pattern="^(photo|scene):")
    style: Style = "plain"
    lines: tuple[str, ...] = Field((), description="words on the picture, top to bottom")
    board: tuple[int, int, int] = (255, 255, 255)
    letters: tuple[int, int, int] = (0, 0, 0)
    emblem: str = ""
    title: str = ""
    dark: bool = False
    copy_of: str | None = None
    transformation: Transformation | None = None
    text: str | None = None
    caption: str | None = Field(None, description="alternative text that came with the picture")
    author: str | None = None
    created_at: str | None = None
    reply_to: str | None = None
    label: str | None = Field(None, description="category of the general policy that it breaks")
    set: str | None = Field(None, description="confounder set: same words or same picture, other meaning")
    spoken: tuple[str, ...] = ()


class ClipShot(_Typed):
    """A part of the clip."""

    seconds: float
    scene: str
    lines: tuple[str, str]
    spoken: str


class Page(_Typed):
    """A page of the newsletter."""

    title: str
    paragraphs: tuple[str, ...]
    scene: str | None


class Prices(_Typed):
    """A table that is a table, not a list of posts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]


class Catalogue(_Typed):
    """All of `posts.yaml`."""

    scenes: dict[str, Scene]
    posts: tuple[Made, ...]
    clip: tuple[ClipShot, ...]
    newsletter: tuple[Page, ...]
    bakery: Prices


class JudgedQuery(_Typed):
    """A query as a person would write it, and the ids of the posts that answer it; none where nothing does."""

    id: str
    words: str
    finds: tuple[str, ...]
    language: str = "en"
    cross_lingual: bool = Field(False, description="the words are in another language than the posts")
    by: str = Field(
        "picture", description="what in the post answers: picture, body, speech, clip, page, table, caption"
    )


@cache
def catalogue() -> Catalogue:
    """Read `posts.yaml`."""
    return Catalogue.model_validate(_yaml("posts.yaml"))


@cache
def queries() -> tuple[JudgedQuery, ...]:
    """Read `queries.yaml`."""
    return tuple(JudgedQuery.model_validate(row) for row in _yaml("queries.yaml"))


def _yaml(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(files("alciato.demo").joinpath(name).read_text(encoding="utf-8"))
