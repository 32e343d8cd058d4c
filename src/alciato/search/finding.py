"""`search`: words, a picture, or both, along several routes at once; fused, cut at what chance gives, explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alciato.errors import BadMedia, UsageError
from alciato.models import Ocr, Picture, Runtime, default_runtime
from alciato.search.answers import answers, seen, usable
from alciato.search.filters import checked_filter
from alciato.search.hit import Hit
from alciato.search.joining import joined
from alciato.search.routes import Ranking, Scope
from alciato.search.second_look import copies_of
from alciato.store import Collection

DEPTH = 30
"""Segments that a route gives at least."""
IN_PICTURE = " in the picture"


def search(
    collection: Collection,
    words: str | None = None,
    *,
    image: str | Path | Picture | None = None,
    where: str | None = None,
    k: int = 10,
    runtime: Runtime | None = None,
) -> list[Hit]:
    """Find posts by words, by a picture, or by both; best first, none where nothing answers.

    Args:
        collection: where to look.
        words: what one remembers, in any language.
        image: a picture, or its path: near copies of it, posts with the words on it, and, where an image encoder
            is named, pictures that look like it.
        where: a condition such as `created_at > '2024-05-01' and author = 'zork'`.
        k: posts at most.
        runtime: settings and loaded models; that of this process if None.

    Raises:
        UsageError: neither words nor picture, a filter that cannot be followed, a picture that cannot be read.
    """
    runtime = runtime or default_runtime()
    words = (words or "").strip()
    if not words and image is None:
        raise UsageError("nothing to search for.", remedy="Give words, a picture, or both.")
    if k < 1:
        raise UsageError(f"k is {k}, but at least one hit must be asked for.")
    scope = Scope(collection, checked_filter(where), max(DEPTH, 2 * k))
    groups = [answers(scope, words, runtime)] if words else []
    if image is not None:
        groups += pictured(collection, scope, opened(image, runtime), runtime)
    return joined(groups, k)


def pictured(collection: Collection, scope: Scope, picture: Picture, runtime: Runtime) -> list[list[Ranking]]:
    """Follow a picture: near copies, what looks like it, and the words on it. Copies count twice."""
    copies = copies_of(collection, scope, picture, runtime)
    groups = [[copies], [copies]]
    encoder = usable(scope, runtime.settings.models.image_encoder, runtime)
    if encoder is not None and "image" in encoder.modalities:
        groups.append([seen(scope, encoder, picture)])
    written = words_on(picture, runtime)
    if written:
        groups.append([replace(found, route=found.route + IN_PICTURE) for found in answers(scope, written, runtime)])
    return groups


def words_on(picture: Picture, runtime: Runtime) -> str:
    """Read the words on a picture with the named text recognition; none where none is named."""
    if runtime.settings.models.ocr is None:
        return ""
    lines = runtime.load(runtime.settings.models.ocr, Ocr).recognise(picture)
    return " ".join(line.text for line in lines if line.text)


def opened(image: str | Path | Picture, runtime: Runtime) -> Picture:
    """Give the picture, decoded from its path where it is one. Raises `UsageError`."""
    if isinstance(image, Picture):
        return image.convert("RGB")
    from alciato.media.pictures import decode_picture

    path = Path(image).expanduser()
    try:
        return decode_picture(path.read_bytes(), runtime.settings.limits)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the picture cannot be opened ({reason}).", where=str(path)) from error
    except BadMedia as error:
        raise UsageError(error.what, where=str(path), remedy="Give a JPEG, PNG, WebP or GIF file.") from error
