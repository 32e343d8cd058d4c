"""`similar`: the posts most like one of the collection: by its pictures, its words, and what they mean."""

from __future__ import annotations

from dataclasses import replace

from alciato.item import Image, Item
from alciato.search.answers import answers, seen, usable
from alciato.search.finding import DEPTH
from alciato.search.hit import Hit
from alciato.search.joining import joined
from alciato.search.routes import Ranking, Scope
from alciato.search.second_look import copies_of
from alciato.settings import Settings, default_settings
from alciato.store import Collection

PICTURES = 4
"""Pictures of a post that are followed."""
LETTERS = 600
"""Of the words of a post, so many letters are followed."""


def similar(collection: Collection, item: str, k: int = 10, *, settings: Settings | None = None) -> list[Hit]:
    """Find the posts that are most like one of the collection, best first, without itself.

    Raises `UsageError` if there is no such item.
    """
    settings = settings or default_settings()
    post = collection.item(item)
    scope = Scope(collection.uri, collection.table("units"), None, max(DEPTH, 2 * k))
    groups = [[copies] for copies in _copies(collection, scope, post, settings) for _ in range(2)]
    groups += _looking(collection, scope, post, settings)
    words = " ".join(dict.fromkeys(unit.text for unit in collection.units([item]) if unit.text))[:LETTERS]
    if words.strip():
        groups.append(answers(scope, words, settings))
    return joined([[_without(item, ranking) for ranking in group] for group in groups], k)


def _pictures(collection: Collection, post: Item, settings: Settings) -> list[object]:
    from alciato.read.pictures import decode_picture

    parts = [part.media for _, part in post.media() if isinstance(part, Image)][:PICTURES]
    return [decode_picture(data, settings.limits) for data in collection.media_many(parts).values()]


def _copies(collection: Collection, scope: Scope, post: Item, settings: Settings) -> list[Ranking]:
    return [copies_of(collection, scope, each, settings) for each in _pictures(collection, post, settings)]  # type: ignore[arg-type]


def _looking(collection: Collection, scope: Scope, post: Item, settings: Settings) -> list[list[Ranking]]:
    encoder = usable(scope, "visual", settings.models.image_encoder, settings)
    if encoder is None or "image" not in encoder.modalities:
        return []
    return [[seen(scope, encoder, each)] for each in _pictures(collection, post, settings)]


def _without(item: str, ranking: Ranking) -> Ranking:
    return replace(ranking, matches=tuple(match for match in ranking.matches if match.row["item"] != item))
