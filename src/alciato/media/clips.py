"""Bytes of a clip or a recording → `Video` or `Audio`.

The container is trusted in nothing: its packets are walked to the end (not decoded) to learn how long it truly is,
its first frame is decoded, and its own boxes must fit the bytes. FFmpeg gets the one demuxer that fits the bytes, so
that a playlist in disguise opens nothing else.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from alciato.errors import BadMedia
from alciato.item.parts import Audio, Video, media_hash
from alciato.media.limits import check_pixels, check_seconds
from alciato.media.sniff import HEAD, FileKind, kind_of
from alciato.media.structure import container_is_whole, states_duration
from alciato.settings import Limits

if TYPE_CHECKING:
    from av.container import InputContainer

DEMUXERS = {"MP4": "mov", "WebM": "matroska", "WAV": "wav", "MP3": "mp3", "Ogg": "ogg", "FLAC": "flac"}
_SLACK = 1.0
"""Seconds by which packets may fall short of the declared duration; beyond it the end is missing."""


def clip_part(data: bytes, kind: FileKind, name: str | None, limits: Limits) -> Audio | Video:
    """Build the part of a clip or recording. Raises `BadMedia`: among others truncated, no-streams and too-long."""
    if not container_is_whole(data, kind.name):
        raise _truncated(kind)
    try:
        with open_container(data, kind) as container:
            return _part(container, data, kind, name, limits)
    except (BadMedia, MemoryError):
        raise
    except Exception as error:  # a demuxer or decoder may raise anything on bytes made to break it
        raise _told(kind, error) from error


def open_clip(data: bytes) -> Any:
    """Open a clip or recording with the one demuxer that fits its bytes: a playlist in disguise opens nothing else.

    Raises `BadMedia`: `unknown-kind`; and what PyAV raises.
    """
    kind = kind_of(data[:HEAD])
    if kind is None or kind.name not in DEMUXERS:
        raise BadMedia("unknown-kind", "its bytes are of no kind of clip or recording.")
    return open_container(data, kind)


def open_container(data: bytes, kind: FileKind) -> InputContainer:
    """Open a clip or recording of that kind with its one demuxer. Raises what PyAV raises."""
    import av

    # Metadata in odd encodings must not stop the clip: from PyAV 19 on they never do.
    tolerant = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
    container: InputContainer = av.open(io.BytesIO(data), format=DEMUXERS[kind.name], **tolerant)
    return container


def _part(container: InputContainer, data: bytes, kind: FileKind, name: str | None, limits: Limits) -> Audio | Video:
    picture, sound = _streams(container)
    declared = (container.duration or 0) / 1_000_000 if states_duration(data, kind.name) else 0.0
    check_seconds(declared, limits)
    if picture is not None:
        check_pixels(picture.codec_context.width, picture.codec_context.height, limits)
    measured = _walk(container, [stream for stream in (picture, sound) if stream is not None], limits)
    if declared > measured + max(_SLACK, declared * 0.02):
        raise _truncated(kind)
    duration = round(measured, 6)
    medium = media_hash(data)
    if picture is None:
        _first_frame(container, sound, kind)
        return Audio(media=medium, mime=_mime(kind, data, pictures=False), name=name, duration=duration)
    frame = _first_frame(container, picture, kind)
    width, height = frame.width, frame.height
    if frame.rotation % 180:  # phones write frames lying and a matrix that stands them up
        width, height = height, width
    mime = _mime(kind, data, pictures=True)
    return Video(media=medium, mime=mime, name=name, width=width, height=height, duration=duration)


def _streams(container: InputContainer) -> tuple[Any, Any]:
    """Return the moving picture and the sound; a cover is no moving picture."""
    moving = [stream for stream in container.streams.video if not _is_cover(stream)]
    sounds = list(container.streams.audio)
    if not moving and not sounds:
        raise BadMedia("no-streams", "it holds neither moving pictures nor sound.")
    return (moving[0] if moving else None), (sounds[0] if sounds else None)


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _walk(container: InputContainer, streams: list[Any], limits: Limits) -> float:
    """Read every packet; return the seconds from the first to the end of the last."""
    first: float | None = None
    end = 0.0
    for packet in container.demux(streams):
        if packet.pts is None or packet.time_base is None:
            continue  # the empty packet that ends a stream
        start = float(packet.pts * packet.time_base)
        first = start if first is None else min(first, start)
        end = max(end, start + float((packet.duration or 0) * packet.time_base))
        check_seconds(end - max(first, 0), limits)
    if first is None:
        raise BadMedia("truncated", "it holds no frames and no sound.")
    return max(end - max(first, 0), 0)


def _first_frame(container: InputContainer, stream: Any, kind: FileKind) -> Any:
    container.seek(0, backward=True, any_frame=False)
    frame = next(container.decode(stream), None)
    if frame is None:
        raise BadMedia("broken", f"nothing in the {kind.name} can be decoded.")
    return frame


def _mime(kind: FileKind, data: bytes, *, pictures: bool) -> str:
    if kind.name == "MP4" and data[8:12] == b"qt  ":
        return "video/quicktime" if pictures else "audio/mp4"
    form = kind.mime.partition("/")[2]
    if kind.name == "WebM" and b"matroska" in data[:64]:
        form = "x-matroska"
    return f"{'video' if pictures else 'audio'}/{form}"


def _truncated(kind: FileKind) -> BadMedia:
    return BadMedia("truncated", f"the {kind.name} ends before it is complete.", remedy="Copy it again.")


def _told(kind: FileKind, error: Exception) -> BadMedia:
    if kind.name == "MP4" and "moov atom not found" in str(error):
        return _truncated(kind)
    return BadMedia("broken", f"the {kind.name} cannot be read ({error}).")
