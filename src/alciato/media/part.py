"""`media_part`: bytes → the `Image`, `Audio` or `Video` that they are, checked to be whole and within the limits."""

from __future__ import annotations

from typing import cast

from alciato.errors import BadMedia
from alciato.item.parts import Audio, Image, Video
from alciato.media.limits import isolated_one
from alciato.media.sniff import HEAD, honest_kind
from alciato.settings import Limits


def media_part(data: bytes, name: str | None = None, limits: Limits | None = None) -> Image | Audio | Video:
    """Build the `Image`, `Audio` or `Video` that the bytes are. An animated picture is a `Video`.

    Raises `BadMedia` with one of the reasons: empty, disguised, unknown-kind, archive, truncated, broken, too-large,
    too-many-pixels, too-many-frames, too-long, no-streams, too-much-work.
    """
    limits = limits or Limits()
    if len(data) > limits.bytes:
        raise BadMedia("too-large", f"{len(data)} bytes, at most {limits.bytes} are taken.")
    kind = honest_kind(data[:HEAD], name)
    if kind.family == "picture":
        from alciato.media.pictures import picture_part

        return picture_part(data, kind, name, limits)
    if kind.family == "clip":
        part = isolated_one("alciato.media.clips:clip_part", data, kind, name, limits, limits=limits)
        return cast("Audio | Video", part)
    raise BadMedia("unknown-kind", f"{kind.name} is not a picture, a clip or a recording.")
