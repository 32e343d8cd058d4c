"""Export: posts as a folder that `alciato add` reads back: `posts.jsonl`, a row a post, and the media by their hash."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alciato.errors import UsageError
from alciato.files import written_whole
from alciato.item import Item
from alciato.item.parts import Media, Part
from alciato.store import Collection


def export_posts(collection: Collection, folder: Path, ids: Sequence[str] | None = None) -> int:
    """Write the posts, or some of them, and return how many.

    Raises:
        UsageError: the folder holds a table of posts already, which may be the one that was added.
        AlciatoError: it cannot be written.
    """
    if (folder / "posts.jsonl").exists():
        raise UsageError("it holds a posts.jsonl already.", where=str(folder), remedy="Name another folder.")
    count = 0
    with written_whole(folder / "posts.jsonl", "the export") as file:
        (folder / "media").mkdir(exist_ok=True)
        for item in collection.items(ids):
            for _, part in item.media():
                (folder / _place(part)).write_bytes(collection.media(part.media))
            file.write(json.dumps(_row(item), ensure_ascii=False) + "\n")
            count += 1
    return count


def _row(item: Item) -> dict[str, Any]:
    """Build the row: the parts in their order, and metadata; where it came from is left to the next collection."""
    row: dict[str, Any] = {"id": item.id, **_unnamed(item.metadata)}
    row |= {link.kind: link.target for link in item.links if link.kind == "reply_to"}
    return {**row, "parts": [_told(part) for part in item.parts], **dict(_columns(item))}


def _unnamed(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in ("source", "table", "id", "parts")}


def _columns(item: Item) -> Iterator[tuple[str, Any]]:
    """The usual columns, which make a table one of posts."""
    words = [part.text for part in item.parts if part.type == "text"]
    yield "text", "\n".join(words)


def _told(part: Part) -> dict[str, Any]:
    if isinstance(part, Media):
        return {"type": part.type, "path": _place(part)}
    return part.model_dump(mode="json")


def _place(part: Media) -> str:
    return f"media/{part.media}{mimetypes.guess_extension(part.mime) or ''}"
