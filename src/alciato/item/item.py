"""`Item`: ordered parts, metadata, typed links. `Post`: an item with the bytes of its media."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from alciato.item.parts import Media, Part, check_scalar

DEPTH = 64
"""Nesting that metadata may have at most."""


class Link(BaseModel):
    """A typed link to another item: `reply_to`, `same_template`, `cites`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str = Field(min_length=1)
    target: str = Field(min_length=1, description="id of the other item")


class Item(BaseModel):
    """One post, page, clip or message.

    Metadata is free; these keys have a meaning: `source` (absolute path of the file it came from),
    `created_at` (ISO 8601, UTC), `author`, `label`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    id: str = Field(min_length=1)
    parts: tuple[Part, ...] = ()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    links: tuple[Link, ...] = ()

    @field_validator("metadata", mode="after")
    @classmethod
    def _check_metadata(cls, metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Refuse what would not come back from JSON as it is."""
        _check_json(metadata, 0)
        return metadata

    @classmethod
    def of(cls, parts: Iterable[Any], metadata: Mapping[str, JsonValue] | None = None) -> Item:
        """Build an item whose id is the hash of its parts: the same content is the same item."""
        parts = tuple(parts)
        return cls(id=content_id(parts), parts=parts, metadata=dict(metadata or {}))

    def media(self) -> Iterator[tuple[int, Media]]:
        """Yield the position and the part of each medium, in order."""
        return ((i, part) for i, part in enumerate(self.parts) if isinstance(part, Media))

    @property
    def source(self) -> str | None:
        """Absolute path of the file that the item came from, if it came from one."""
        value = self.metadata.get("source")
        return value if isinstance(value, str) else None


def _check_json(value: JsonValue, depth: int) -> None:
    if depth > DEPTH:
        message = f"metadata is nested deeper than {DEPTH} levels"
        raise ValueError(message)
    if isinstance(value, dict):
        for key, inner in value.items():
            check_scalar(key)
            _check_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_json(inner, depth + 1)
    else:
        check_scalar(value)


def content_id(parts: Iterable[Any]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the parts, file names left out."""
    bare = [part.model_dump(mode="json", exclude={"name"}) for part in parts]
    canonical = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Post:
    """An item on its way in, with the bytes of its media by hash."""

    item: Item
    media: Mapping[str, bytes] = field(default_factory=dict)
