"""Items ↔ the content parts of OpenAI chat messages, with the audio and video parts that vLLM takes.

Text is `text`, a picture `image_url`, a recording `input_audio`, a clip `video_url`, media as data URLs in base64.
Both ways are exact for words and media; the names of parts, metadata and links have no place there. A table goes out
as Markdown text, one way. Nothing is fetched: an address of another machine is refused.
Source: OpenAI API reference, chat completions, content parts; vLLM documentation, multimodal inputs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alciato.errors import BadMedia, UsageError, unknown_name
from alciato.item.item import Item, Post
from alciato.item.parts import Audio, Image, Part, Table, Text, Video
from alciato.media.part import media_part
from alciato.settings import Limits
from alciato.sources.datasets import data_url_bytes

_FORMATS = {"audio/mpeg": "mp3", "audio/mp4": "m4a"}  # others are called as their subtype


def to_openai(item: Item, media: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Build the content of a chat message from an item and the bytes of its media by hash.

    Raises `UsageError` where the bytes of a medium are not given.
    """
    return [_content(part, media) for part in item.parts]


def from_openai(content: str | Sequence[Mapping[str, Any]], limits: Limits | None = None) -> Post:
    """Build a post from the content of a chat message: a string, or content parts.

    Raises:
        UsageError: a content part of an unknown type or without its fields.
        BadMedia: remote (an address instead of data), or why a medium cannot be taken.
    """
    content = [{"type": "text", "text": content}] if isinstance(content, str) else content
    parts: list[Part] = []
    media: dict[str, bytes] = {}
    for number, one in enumerate(content):
        kind = str(one.get("type"))
        if kind not in _READERS:
            raise unknown_name("type of content part", kind, list(_READERS))
        try:
            value = _READERS[kind](one)
        except (KeyError, TypeError) as error:
            raise UsageError(f"content part {number} of type {kind!r} lacks a field ({error}).") from error
        if isinstance(value, str):
            parts.append(Text(text=value))
        else:
            part = media_part(value, None, limits)
            parts.append(part)
            media[part.media] = value
    return Post(Item.of(parts), media)


def _content(part: Part, media: Mapping[str, bytes]) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Table):
        return {"type": "text", "text": markdown(part)}
    if part.media not in media:
        raise UsageError(f"the bytes of medium {part.media[:12]}… are not given.", remedy="Pass them by their hash.")
    body = base64.b64encode(media[part.media]).decode("ascii")
    if isinstance(part, Audio):
        form = _FORMATS.get(part.mime, part.mime.partition("/")[2])
        return {"type": "input_audio", "input_audio": {"data": body, "format": form}}
    kind = _URL_TYPES[type(part)]
    return {"type": kind, kind: {"url": f"data:{part.mime};base64,{body}"}}


_URL_TYPES = {Image: "image_url", Video: "video_url"}


def markdown(table: Table) -> str:
    """Write a table as GitHub's Markdown does: bars and line breaks in cells are escaped, None is an empty cell."""
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(map(_markdown_cell, line))} |" for line in lines)


def _markdown_cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r", "").replace("\n", "<br>")


def _text(part: Mapping[str, Any]) -> str:
    if not isinstance(part["text"], str):
        raise TypeError("text")
    return part["text"]


def _url(part: Mapping[str, Any]) -> bytes:
    holder = part[part["type"]]
    url = holder if isinstance(holder, str) else holder["url"]
    if not isinstance(url, str):
        raise TypeError("url")
    if not url.startswith("data:"):
        remedy = "Nothing is fetched: send the bytes as a data URL."
        raise BadMedia("remote", f"{url[:200]!r} is an address, not data.", remedy=remedy)
    return data_url_bytes(url)


def _sound(part: Mapping[str, Any]) -> bytes:
    return data_url_bytes(f"data:;base64,{part['input_audio']['data']}")


_READERS: dict[str, Callable[[Mapping[str, Any]], str | bytes]] = {
    "text": _text,
    "image_url": _url,
    "video_url": _url,
    "audio_url": _url,
    "input_audio": _sound,
}
