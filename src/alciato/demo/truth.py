"""What is true of the demo's posts, as data: `truth.json`."""

from __future__ import annotations

from itertools import combinations

from pydantic import BaseModel, ConfigDict, Field

from alciato.demo.catalogue import JudgedQuery, Kind


class TruthPost(BaseModel):
    """One post and every fact about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    kind: Kind
    file: str | None = Field(None, description="its own file, relative to the folder of posts")
    table: str | None = Field(None, description="the table of posts that has its row")
    media: str | None = Field(None, description="SHA-256 of its own file")
    language: str | None = None
    lines: tuple[str, ...] = Field((), description="words that can be seen, top to bottom")
    spoken: tuple[str, ...] = Field((), description="words that can be heard")
    text: str | None = None
    caption: str | None = None
    author: str | None = None
    created_at: str | None = None
    reply_to: str | None = None
    family: str | None = Field(None, description="what its picture is made from; posts of one family are near copies")
    transformation: str | None = Field(None, description="how it differs from the first of its family")
    label: str | None = Field(None, description="category of the general policy that it breaks")
    set: str | None = Field(None, description="confounder set")


class DemoTruth(BaseModel):
    """All posts and queries. `posts` lie in the folder `posts` beside `truth.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    seed: int
    posts: tuple[TruthPost, ...]
    queries: tuple[JudgedQuery, ...]

    def near_copies(self) -> set[frozenset[str]]:
        """Give every pair of ids whose pictures are made from the same one."""
        families: dict[str, list[str]] = {}
        for post in self.posts:
            if post.family:
                families.setdefault(post.family, []).append(post.id)
        return {frozenset(pair) for members in families.values() for pair in combinations(members, 2)}

    def post(self, id: str) -> TruthPost:  # noqa: A002 -- the field is called so everywhere
        """Find a post by its id. Raises `KeyError`."""
        return {post.id: post for post in self.posts}[id]
