"""`similar`: the posts most like one of the collection: by its pictures, its words, and what they mean."""

from __future__ import annotations

from dataclasses import replace

from alciato.item import Image, Item
from alciato.models import Runtime, default_runtime
from alciato.search.answers import answers, seen, usable
from alciato.search.finding import DEPTH
from alciato.search.hit import Hit
from alciato.search.joining import joined
from alciato.search.routes import Ranking, Scope
from alciato.search.second_look import copies_of
from alciato.store import Collection

PICTURES = 4
"""Pictures of a post that are followed."""
LETTERS = 600
"""Of the words of a post, so many letters are followed."""


def similar(collection: Collection, item: str, k: int = 10, *, runtime: Runtime | None = None) -> list[Hit]:
    """Find the posts that are most like one of the collection, best first, without itself.

    Raises `UsageError` if there is no such item.
    """
    runtime = runtime or default_runtime()
    post = collection.item(item)
    scope = Scope(collection, None, max(DEPTH, 2 * k))
    groups = [[copies] for copies in _copies(collection, scope, post, runtime) for _ in range(2)]
    groups += _looking(collection, scope, post, runtime)
    words = " ".join(dict.fromkeys(segment.text for segment in collection.segments([item]) if segment.text))[:LETTERS]
    if words.strip():
        groups.append(answers(scope, words, runtime))
    return joined([[_without(item, ranking) for ranking in group] for group in groups], k)


def _pictures(collection: Collection, post: Item, runtime: Runtime) -> list[object]:
    from alciato.media.pictures import decode_picture

    parts = [part.media for _, part in post.media() if isinstance(part, Image)][:PICTURES]
    return [decode_picture(data, runtime.settings.limits) for data in collection.media_many(parts).values()]


def _copies(collection: Collection, scope: Scope, post: Item, runtime: Runtime) -> list[Ranking]:
    return [copies_of(collection, scope, each, runtime) for each in _pictures(collection, post, runtime)]  # type: ignore[arg-type]


def _looking(collection: Collection, scope: Scope, post: Item, runtime: Runtime) -> list[list[Ranking]]:
    encoder = usable(scope, runtime.settings.models.image_encoder, runtime)
    if encoder is None or "image" not in encoder.modalities:
        return []
    return [[seen(scope, encoder, each)] for each in _pictures(collection, post, runtime)]


def _without(item: str, ranking: Ranking) -> Ranking:
    return replace(ranking, matches=tuple(match for match in ranking.matches if match.row["item"] != item))
