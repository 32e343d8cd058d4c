"""JSON files: a Telegram export (`result.json`, of one chat or of a whole account), or a list of posts.

Source: the format that Telegram Desktop writes ("Export chat history", machine-readable JSON).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alciato.errors import BadMedia
from alciato.item import Item, Link, Post, Text
from alciato.item.values import clean_text, json_value
from alciato.media.part import media_part
from alciato.media.sniff import promised_kind
from alciato.settings import Limits
from alciato.sources.beside import Beside
from alciato.sources.datasets import time_of
from alciato.sources.files import Found, read_file
from alciato.sources.rows import Row, parsed
from alciato.sources.skipped import Skipped, skipped
from alciato.sources.tables import TableReader
from alciato.sources.texts import decoded

_KEPT = ("forwarded_from", "via_bot", "media_type", "sticker_emoji")
"""Fields of a message that go to the metadata under their own name."""


def json_posts(found: Found, tables: TableReader) -> Iterator[Post | Skipped]:
    """Yield the posts of a JSON file. Raises `BadMedia`: broken, unknown-kind, too-large."""
    data = read_file(found.path, tables.limits.bytes)
    _check_memory(data, tables.limits)
    try:
        document = parsed(decoded(data))
    except BadMedia as error:
        reason = "broken" if error.reason == "bad-row" else error.reason
        raise BadMedia(reason, error.what, remedy=error.remedy) from error
    if isinstance(document, list) and document and all(isinstance(row, dict) for row in document):
        yield from tables.posts(found, (Row(number, row) for number, row in enumerate(document, 1)))
        return
    chats = list(_chats(document)) if isinstance(document, dict) else []
    if not chats:
        raise BadMedia("unknown-kind", "this JSON is neither a list of posts nor a Telegram export.")
    for chat in chats:
        yield from _Chat(found, tables, chat).posts()


OBJECT_BYTES, VALUE_BYTES = 240, 72
"""What Python takes for a small object of JSON with its keys, and for any other value with its place in a list."""


def _check_memory(data: bytes, limits: Limits) -> None:
    """Refuse JSON that would fill the memory as Python values: three bytes, `[],`, become 72."""
    values = data.count(b",") + data.count(b"[")
    size = OBJECT_BYTES * data.count(b"{") + VALUE_BYTES * values + 2 * len(data)
    if size > limits.memory_bytes:
        most = limits.memory_bytes / 2**20
        message = f"reading it would take some {size / 2**20:.0f} MiB of memory, at most {most:.0f} are taken."
        remedy = "Split it, save it as JSON Lines, or raise limits.memory_bytes if the file is trusted."
        raise BadMedia("too-large", message, remedy=remedy)


def _chats(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for group in ("chats", "left_chats"):
        listed = document.get(group)
        several = listed.get("list") if isinstance(listed, Mapping) else None
        for chat in several if isinstance(several, list) else []:
            if isinstance(chat, Mapping) and isinstance(chat.get("messages"), list):
                yield chat
    if isinstance(document.get("messages"), list):
        yield document


class _Chat:
    """One chat of an export."""

    def __init__(self, found: Found, tables: TableReader, chat: Mapping[str, Any]) -> None:
        self._found, self._tables, self._chat = found, tables, chat

    def posts(self) -> Iterator[Post | Skipped]:
        """Yield its messages. A message whose file cannot be taken is reported, and kept if it has words."""
        for position, message in enumerate(self._chat["messages"], 1):
            number = message.get("id") if isinstance(message, Mapping) else None
            if not isinstance(number, int):
                yield skipped(self._found.path, BadMedia("bad-row", "the message has no number."), position)
            elif message.get("type", "message") == "message":  # others tell who joined and left
                yield from self._message(message, number)

    def _message(self, message: Mapping[str, Any], number: int) -> Iterator[Post | Skipped]:
        beside = Beside(self._found, self._tables.limits, self._tables.named)
        parts: list[Any] = []
        media: dict[str, bytes] = {}
        try:
            parts += (Text(text=words) for words in _words(message) if words.strip())
            for path in self._files(message, beside):
                data = beside(path)
                part = media_part(data, clean_text(path.rsplit("/", 1)[-1]), self._tables.limits)
                parts.append(part)
                media[part.media] = data
        except BadMedia as error:
            yield skipped(self._found.path, error, number)
        if parts:
            yield self._post(message, number, parts, media, beside)

    def _files(self, message: Mapping[str, Any], beside: Beside) -> Iterator[str]:
        for field in ("photo", "file"):
            path = message.get(field)
            if not isinstance(path, str) or not path:
                continue
            if path.startswith("("):  # "(File not included. Change data exporting settings to download.)"
                raise BadMedia("missing-file", f"the export left out its {field}.", remedy="Export it with files.")
            _name_small_copies(path, beside)
            kind = promised_kind(path)
            if kind is None or kind.family in ("picture", "clip"):
                yield path  # others, such as a PDF, are posts of their own

    def _post(
        self, message: Mapping[str, Any], number: int, parts: list[Any], media: dict[str, bytes], beside: Beside
    ) -> Post:
        table = clean_text(str(self._found.path))
        metadata = {field: json_value(message[field]) for field in _KEPT if message.get(field)}
        metadata |= {"chat": json_value(self._chat.get("name")), "author": json_value(message.get("from"))}
        metadata["created_at"] = time_of(message.get("date_unixtime") or message.get("date"))
        metadata |= {"source": clean_text(str(beside.last)) if media else table, "table": table}
        chat = self._chat.get("id", "chat")
        target = message.get("reply_to_message_id")
        links = (Link(kind="reply_to", target=f"telegram:{chat}:{target}"),) if isinstance(target, int) else ()
        kept = {key: value for key, value in metadata.items() if value is not None}
        return Post(
            Item(id=clean_text(f"telegram:{chat}:{number}"), parts=tuple(parts), metadata=kept, links=links), media
        )


def _name_small_copies(path: str, beside: Beside) -> None:
    """A small copy of what a message shows is no post of its own."""
    stem, _, _ = path.rpartition(".")
    for small in (f"{stem}_thumb.jpg", f"{path}_thumb.jpg"):
        beside.name(small)


def _words(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text, which is a string or a list of strings and entities, and the words of a poll."""
    text = message.get("text", "")
    pieces = text if isinstance(text, list) else [text]
    words = (piece.get("text") if isinstance(piece, Mapping) else piece for piece in pieces)
    yield clean_text("".join(word for word in words if isinstance(word, str)))
    poll = message.get("poll")
    if isinstance(poll, Mapping):
        answers = poll.get("answers")
        lines = [poll.get("question")]
        lines += [answer.get("text") for answer in answers or () if isinstance(answer, Mapping)]
        yield clean_text("\n".join(line for line in lines if isinstance(line, str)))
