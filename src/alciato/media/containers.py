"""Whether the outermost boxes of a clip or recording end within its bytes: cut files are told without decoding.

Sources: ISO/IEC 14496-12 section 4.2; RFC 8794 (EBML) and RFC 9559 (Matroska); RFC 3533 (Ogg); the RIFF and ID3v2
specifications; for MP3, the Xing header that LAME and FFmpeg write.
"""

from __future__ import annotations

import struct

_SEGMENT = b"\x18\x53\x80\x67"


def is_whole(data: bytes, kind: str) -> bool:
    """Tell whether the container holds all that it announces. True for the kinds that announce nothing."""
    check = {"MP4": _mp4, "WebM": _webm, "WAV": _wav, "Ogg": _ogg}.get(kind)
    return check is None or check(data)


def states_duration(data: bytes, kind: str) -> bool:
    """Tell whether the container says how long it lasts. An MP3 without a Xing header leaves it to be guessed."""
    if kind != "MP3":
        return True
    start = 0
    if data.startswith(b"ID3"):
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
    head = data[start : start + 200]
    return b"Xing" in head or b"Info" in head


def _mp4(data: bytes) -> bool:
    position = 0
    while position + 8 <= len(data):
        size = struct.unpack_from(">I", data, position)[0]
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        elif size == 0:  # to the end of the file
            return True
        if size < 8 or position + size > len(data):
            return False
        position += size
    return True


def _webm(data: bytes) -> bool:
    segment = data.find(_SEGMENT, 0, 4096)
    if segment < 0 or segment + 12 > len(data):
        return False
    first = data[segment + 4]
    length = 9 - first.bit_length()  # the leading zeros of a variable-size integer say how many bytes it has
    size = int.from_bytes(data[segment + 4 : segment + 4 + length], "big") & ((1 << 7 * length) - 1)
    unknown = size == (1 << 7 * length) - 1  # recorded live
    return unknown or segment + 4 + length + size <= len(data)


def _wav(data: bytes) -> bool:
    size = int.from_bytes(data[4:8], "little")
    return size in (0, 0xFFFFFFFF) or size + 8 <= len(data) + 1  # writers to a pipe do not know the size


def _ogg(data: bytes) -> bool:
    position = 0
    while data.startswith(b"OggS", position):
        segments = data[position + 26] if position + 27 <= len(data) else 255
        position += 27 + segments + sum(data[position + 27 : position + 27 + segments])
    return position <= len(data)
