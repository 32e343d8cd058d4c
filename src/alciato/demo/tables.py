"""Tables of posts, as platforms and data sets write them: JSON lines, the Hateful Memes layout, a Telegram export."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from alciato.demo.catalogue import Made, Prices


def write_feed(path: Path, posts: Sequence[Made]) -> None:
    """Write rows with the fields that a platform exports; pictures are named relative to the table."""
    _write_lines(path, [_feed_row(post) for post in posts])


def write_challenge(path: Path, posts: Sequence[Made]) -> None:
    """Write `{"id", "img", "label", "text"}` rows as in Hateful Memes (Kiela et al. 2020), and alternative texts."""
    _write_lines(
        path,
        [
            {
                "id": int(post.id),
                "img": _beside(post),
                "label": int(post.label is not None),
                "text": " ".join(post.lines).lower(),
                "alt_text": post.caption,
            }
            for post in posts
        ],
    )


def write_telegram(path: Path, posts: Sequence[Made]) -> None:
    """Write a chat as Telegram Desktop exports it."""
    messages = [_message(number, post, posts) for number, post in enumerate(posts, start=1)]
    chat = {"name": "Chess club", "type": "private_group", "id": 4242424242, "messages": messages}
    path.write_text(json.dumps(chat, ensure_ascii=False, indent=1), encoding="utf-8")


def write_prices(path: Path, prices: Prices) -> None:
    """Write a table of prices as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(prices.columns)
        writer.writerows(prices.rows)


def _feed_row(post: Made) -> dict[str, Any]:
    row = {
        "id": post.id,
        "img": _beside(post),
        "text": post.text,
        "alt_text": post.caption,
        "created_at": post.created_at,
        "author": post.author,
        "reply_to": post.reply_to,
    }
    return {name: value for name, value in row.items() if value is not None}


def _message(number: int, post: Made, posts: Sequence[Made]) -> dict[str, Any]:
    sent = datetime.fromisoformat(post.created_at or "2025-01-01T00:00:00+00:00")
    message: dict[str, Any] = {
        "id": number,
        "type": "message",
        "date": sent.strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(int(sent.timestamp())),
        "from": post.author,
        "from_id": f"user{sum(map(ord, post.author or ''))}",
        "text": post.text or "",
        "text_entities": [{"type": "plain", "text": post.text or ""}],
    }
    if post.file:
        message |= {"photo": _beside(post), "width": 640, "height": 480}
    if post.reply_to:
        message["reply_to_message_id"] = 1 + [other.id for other in posts].index(post.reply_to)
    return message


def _beside(post: Made) -> str | None:
    """The picture's path as the table writes it."""
    if not post.file or not post.table:
        return None
    return str(PurePosixPath(post.file).relative_to(PurePosixPath(post.table).parent))


def _write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
