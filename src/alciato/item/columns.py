"""Which column of a table of posts holds what, by the names that data sets usually give, or as mapped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alciato.errors import unknown_name

USUAL_NAMES = {
    "id": ("id", "post_id", "item_id", "tweet_id", "message_id", "uid", "_id", "image_id", "img_id"),
    "title": ("title", "headline", "subject"),
    "text": ("text", "body", "content", "message", "tweet", "post", "post_text", "full_text", "selftext", "comment",
             "ocr_text", "sentence"),
    "caption": ("caption", "captions"),
    "alt_text": ("alt_text", "alt", "description", "image_description"),
    "image": ("img", "image", "images", "image_path", "img_path", "image_name", "image_file", "picture", "photo"),
    "video": ("video", "videos", "video_path", "video_file", "clip"),
    "audio": ("audio", "audio_path", "audio_file", "recording", "voice"),
    "media": ("media", "media_path", "file", "file_name", "filename", "file_path", "filepath", "path"),
    "label": ("label", "labels", "class", "category", "target_label"),
    "created_at": ("created_at", "timestamp", "date", "datetime", "created", "created_utc", "time", "published_at",
                   "posted_at", "publish_date"),
    "author": ("author", "user", "username", "user_name", "screen_name", "from", "sender", "account"),
    "reply_to": ("reply_to", "in_reply_to", "in_reply_to_id", "in_reply_to_status_id", "parent_id", "parent",
                 "reply_to_id", "reply_to_message_id"),
}  # fmt: skip
"""The fields of a post and the usual names of their columns, the most usual first."""

_SEVERAL = ("text", "caption", "alt_text")
"""Fields that more than one column may hold."""


class Columns(NamedTuple):
    """The columns of each field. `texts` and `media` may have several; a text has its role, None for the body.

    `captions` stand after the media: the author's own words (role `caption`), and descriptions of a picture for those
    who do not see it (role `alt_text`). Only the latter say what a picture shows.
    """

    id: str | None
    texts: tuple[tuple[str, str | None], ...]
    captions: tuple[tuple[str, str | None], ...]
    media: tuple[str, ...]
    label: str | None
    created_at: str | None
    author: str | None
    reply_to: str | None

    @property
    def hold_posts(self) -> bool:
        """Whether there are words or media, without which a row is no post."""
        return bool(self.texts or self.captions or self.media)

    @property
    def used(self) -> frozenset[str]:
        """Columns that became something other than plain metadata."""
        single = (self.id, self.label, self.created_at, self.author, self.reply_to)
        texts = (column for column, _ in (*self.texts, *self.captions))
        return frozenset(column for column in (*single, *texts, *self.media) if column is not None)


def find_columns(names: Iterable[str], mapping: Mapping[str, str] | None = None) -> Columns:
    """Find the columns of each field; a mapped field takes its column only.

    Raises `UsageError` where `mapping` names a field that does not exist.
    """
    names, mapping = list(names), dict(mapping or {})
    for field in mapping:
        if field not in USUAL_NAMES:
            raise unknown_name("field of a post", field, list(USUAL_NAMES))
    taken = set(mapping.values())
    found = {field: _columns(field, names, mapping, taken) for field in USUAL_NAMES}

    def one(field: str) -> str | None:
        return found[field][0] if found[field] else None

    # A general name such as `path` counts where no picture, clip or recording has its own column, or where mapped.
    special = [column for field in ("image", "video", "audio") for column in found[field]]
    media = [*special, *(found["media"] if not special or "media" in mapping else ())]
    texts: list[tuple[str, str | None]] = [(column, "title") for column in found["title"]]
    texts += [(column, column if number else None) for number, column in enumerate(found["text"])]
    return Columns(
        id=one("id"),
        texts=tuple(texts),
        captions=tuple((column, role) for role in ("caption", "alt_text") for column in found[role]),
        media=tuple(media),
        label=one("label"),
        created_at=one("created_at"),
        author=one("author"),
        reply_to=one("reply_to"),
    )


def _columns(field: str, names: list[str], mapping: Mapping[str, str], taken: set[str]) -> list[str]:
    if field in mapping:
        return [name for name in names if name == mapping[field]]
    usual = {_plain(name): name for name in reversed(names) if name not in taken}
    found = [usual[alias] for alias in USUAL_NAMES[field] if alias in usual]
    return found if field in _SEVERAL else found[:1]


def _plain(name: str) -> str:
    """Write `ImagePath`, `Image Path` and `image-path` alike."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name).strip())
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).rstrip("_")
