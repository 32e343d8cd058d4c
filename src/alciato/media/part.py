"""Bytes → the part that they are: told by content, bounded by limits, checked to be whole."""

from __future__ import annotations

from alciato.errors import BadMedia
from alciato.item.parts import Audio, Image, Video
from alciato.media.sniff import EXTENSIONS, HEAD, KINDS, Kind, kind_of, looks_like_text
from alciato.settings import Limits


def media_part(data: bytes, name: str | None = None, limits: Limits | None = None) -> Image | Audio | Video:
    """Build the `Image`, `Audio` or `Video` that the bytes are. An animated picture is a `Video`.

    Raises `BadMedia` with one of the reasons: empty, disguised, unknown-kind, archive, truncated, broken, too-large,
    too-many-pixels, too-many-frames, too-long, no-streams.
    """
    limits = limits or Limits()
    if len(data) > limits.bytes:
        raise BadMedia("too-large", f"{len(data)} bytes, at most {limits.bytes} are taken.")
    kind = honest_kind(data[:HEAD], name)
    if kind.family == "picture":
        from alciato.media.pictures import picture_part

        return picture_part(data, kind, name, limits)
    if kind.family == "clip":
        from alciato.media.clips import clip_part

        return clip_part(data, kind, name, limits)
    raise BadMedia("unknown-kind", f"{kind.name} is not a picture, a clip or a recording.")


def honest_kind(head: bytes, name: str | None = None) -> Kind:
    """Tell the kind of a file and hold it against its name. Raises `BadMedia`: disguised, unknown-kind and others."""
    if not head:
        raise BadMedia("empty", "it has no bytes.", remedy="Copy it again.")
    promised = promised_kind(name)
    if promised is not None and promised.family == "other":
        raise BadMedia("unknown-kind", f"{promised.name} is not a kind of file that is taken.")
    kind = kind_of(head) or (KINDS["text"] if looks_like_text(head) else None)
    if kind is None:
        if promised is not None and promised.family == "text":
            raise BadMedia("bad-encoding", "it is not text.", remedy="Save it as UTF-8.")
        if promised is not None:
            raise BadMedia("broken", f"its name promises {promised.name}, but its bytes are of no known kind.")
        raise BadMedia("unknown-kind", "its bytes are of no known kind.")
    if promised is not None and kind is not promised and not _text_like(kind, promised):
        raise _disguised(kind, promised)
    if kind.family == "archive" and promised is kind:
        raise BadMedia("archive", f"a {kind.name} archive is not opened.", remedy="Unpack it and add the folder.")
    return kind


def promised_kind(name: str | None) -> Kind | None:
    """Return the kind that a file name's extension promises; None where it promises none."""
    _, dot, extension = (name or "").rpartition(".")
    return EXTENSIONS.get(extension.lower()) if dot else None


def _text_like(kind: Kind, promised: Kind) -> bool:
    """A text file may well begin with a tag: what counts is that it is text."""
    return promised.family == "text" and kind.name in ("HTML", "SVG")


def _disguised(kind: Kind, promised: Kind) -> BadMedia:
    message = f"its name promises {promised.name}, but its bytes are {kind.name}."
    return BadMedia("disguised", message, remedy="Rename it if it is what you want.")
