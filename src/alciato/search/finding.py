"""`search`: words, a picture, or both, along several routes at once; fused, cut at what chance gives, explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alciato.errors import BadMedia, UsageError
from alciato.models import Ocr, Picture, load
from alciato.search.answers import answers, seen, usable
from alciato.search.filters import checked_filter
from alciato.search.hit import Hit
from alciato.search.joining import joined
from alciato.search.routes import Ranking, Scope
from alciato.search.second_look import copies_of
from alciato.settings import Settings, default_settings
from alciato.store import Collection

DEPTH = 30
"""Units that a route gives at least."""
IN_PICTURE = " in the picture"


def search(
    collection: Collection,
    words: str | None = None,
    *,
    image: str | Path | Picture | None = None,
    where: str | None = None,
    k: int = 10,
    settings: Settings | None = None,
) -> list[Hit]:
    """Find posts by words, by a picture, or by both; best first, none where nothing answers.

    Args:
        collection: where to look.
        words: what one remembers, in any language.
        image: a picture, or its path: near copies of it, posts with the words on it, and, where an image encoder
            is named, pictures that look like it.
        where: a condition such as `created_at > '2024-05-01' and author = 'zork'`.
        k: posts at most.
        settings: name the models; those of this process if None.

    Raises:
        UsageError: neither words nor picture, a filter that cannot be followed, a picture that cannot be read.
    """
    settings = settings or default_settings()
    words = (words or "").strip()
    if not words and image is None:
        raise UsageError("nothing to search for.", remedy="Give words, a picture, or both.")
    if k < 1:
        raise UsageError(f"k is {k}, but at least one hit must be asked for.")
    scope = Scope(collection.uri, collection.table("units"), checked_filter(where), max(DEPTH, 2 * k))
    groups = [answers(scope, words, settings)] if words else []
    if image is not None:
        groups += pictured(collection, scope, opened(image, settings), settings)
    return joined(groups, k)


def pictured(collection: Collection, scope: Scope, picture: Picture, settings: Settings) -> list[list[Ranking]]:
    """Follow a picture: near copies, what looks like it, and the words on it. Copies count twice."""
    copies = copies_of(collection, scope, picture, settings)
    groups = [[copies], [copies]]
    encoder = usable(scope, "visual", settings.models.image_encoder, settings)
    if encoder is not None and "image" in encoder.modalities:
        groups.append([seen(scope, encoder, picture)])
    written = words_on(picture, settings)
    if written:
        groups.append([replace(found, route=found.route + IN_PICTURE) for found in answers(scope, written, settings)])
    return groups


def words_on(picture: Picture, settings: Settings) -> str:
    """Read the words on a picture with the named text recognition; none where none is named."""
    if settings.models.ocr is None:
        return ""
    lines = load(settings.models.ocr, Ocr, settings).recognise(picture)
    return " ".join(line.text for line in lines if line.text)


def opened(image: str | Path | Picture, settings: Settings) -> Picture:
    """Give the picture, decoded from its path where it is one. Raises `UsageError`."""
    if isinstance(image, Picture):
        return image.convert("RGB")
    from alciato.read.pictures import decode_picture

    path = Path(image).expanduser()
    try:
        return decode_picture(path.read_bytes(), settings.limits)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the picture cannot be opened ({reason}).", where=str(path)) from error
    except BadMedia as error:
        raise UsageError(error.what, where=str(path), remedy="Give a JPEG, PNG, WebP or GIF file.") from error
