"""What the structure of a file says without decoding it: its frames, whether it is whole, whether it states a duration.

Nothing is decoded, so a bomb of frames costs no more than its bytes. A frame shorter than 20 ms lasts 100 ms, as in
browsers and in FFmpeg.
Sources: GIF89a; PNG, third edition, sections 5.3 (chunks), 5.5 (CRC), 11.3.6 (acTL, fcTL) and 13.2 (errors); the WebP
container (ANMF); ISO/IEC 14496-12 section 4.2; RFC 8794 (EBML) and RFC 9559 (Matroska); RFC 3533 (Ogg); the RIFF and
ID3v2 specifications; for MP3, the Xing header that LAME and FFmpeg write.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from alciato.errors import BadMedia

_PACKED = (b"zTXt", b"iTXt", b"iCCP")
_SEGMENT = b"\x18\x53\x80\x67"


class FrameHeader(NamedTuple):
    """One frame of an animation as its header describes it: size in pixels, time in seconds."""

    width: int
    height: int
    seconds: float


def animation_frames(data: bytes, kind: str) -> Iterator[FrameHeader]:
    """Yield the frames of a picture of kind GIF, PNG or WebP; nothing where it is not animated.

    Raises `BadMedia` (truncated) where the bytes end before the structure does.
    """
    walk = {"GIF": _gif_frames, "PNG": _png_frames, "WebP": _webp_frames}.get(kind)
    if walk is None:
        return
    try:
        yield from walk(data)
    except (IndexError, struct.error) as error:
        raise BadMedia("truncated", f"the {kind} ends before it is complete.") from error


def _frame_seconds(seconds: float) -> float:
    return seconds if seconds >= 0.02 else 0.1


def _gif_frames(data: bytes) -> Iterator[FrameHeader]:
    position = 13 + _color_table(data[10])
    delay = 0.0
    while position < len(data) and data[position] != 0x3B:  # trailer; many writers leave it out
        if data[position] == 0x21:  # extension
            if data[position + 1] == 0xF9:  # graphic control: delay in hundredths
                delay = struct.unpack_from("<H", data, position + 4)[0] / 100
            position = _past_blocks(data, position + 2)
        elif data[position] == 0x2C:  # image
            width, height, flags = struct.unpack_from("<HHB", data, position + 5)
            position = _past_blocks(data, position + 11 + _color_table(flags))
            yield FrameHeader(width, height, _frame_seconds(delay))
        else:
            raise BadMedia("broken", f"the GIF holds an unknown block at byte {position}.")


def _color_table(flags: int) -> int:
    """Bytes of the color table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, position: int) -> int:
    while size := data[position]:
        position += size + 1
    return position + 1


def _png_frames(data: bytes) -> Iterator[FrameHeader]:
    position, animated = 8, False
    while True:
        size, name = struct.unpack_from(">I4s", data, position)
        if name == b"acTL":
            animated = True
        elif name == b"IDAT" and not animated:
            return  # a still picture: decoding it will check the rest
        elif name == b"fcTL":
            width, height, _, _, over, under = struct.unpack_from(">IIIIHH", data, position + 12)
            yield FrameHeader(width, height, _frame_seconds(over / (under or 100)))
        elif name == b"IEND":
            return
        position += size + 12


def _webp_frames(data: bytes) -> Iterator[FrameHeader]:
    end = struct.unpack_from("<I", data, 4)[0] + 8
    if end > len(data):
        raise BadMedia("truncated", "the WebP ends before it is complete.")
    position = 12
    while position + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, position)
        if name == b"ANMF":
            fields = data[position + 14 : position + 23]
            width, height, milliseconds = (int.from_bytes(fields[i : i + 3], "little") for i in (0, 3, 6))
            yield FrameHeader(width + 1, height + 1, _frame_seconds(milliseconds / 1000))
        position += 8 + size + (size & 1)


def png_is_whole(data: bytes) -> bool:
    """Tell whether the checksums of a PNG prove it whole; False where only decoding can tell.

    It takes a fiftieth of the time of decoding.

    Raises `BadMedia`: truncated where the last chunk is missing, broken where a checksum is wrong or the pixels are
    no zlib stream.
    """
    position, started = 8, False
    while position + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        body = memoryview(data)[position + 8 : position + 8 + size]
        if len(body) < size or position + 12 + size > len(data):
            break
        (checksum,) = struct.unpack_from(">I", data, position + 8 + size)
        if zlib.crc32(body, zlib.crc32(name)) != checksum:
            raise BadMedia("broken", f"a checksum of the PNG is wrong, near byte {position}.", remedy="Copy it again.")
        if name == b"IDAT" and not started:
            started = True
            _check_stream(bytes(body[:4096]))
        if name in _PACKED and started:
            return False  # what is packed behind the pixels is unpacked only by the decoder
        if name == b"IEND":
            return started
        position += size + 12
    raise BadMedia("truncated", "the PNG ends before it is complete.", remedy="Copy it again.")


def _check_stream(start: bytes) -> None:
    try:
        zlib.decompressobj().decompress(start, 4096)
    except zlib.error as error:
        raise BadMedia("broken", f"the pixels of the PNG cannot be unpacked ({error}).") from error


def container_is_whole(data: bytes, kind: str) -> bool:
    """Tell whether the container holds all that it announces. True for the kinds that announce nothing."""
    check = {"MP4": _mp4_is_whole, "WebM": _webm_is_whole, "WAV": _wav_is_whole, "Ogg": _ogg_is_whole}.get(kind)
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


def _mp4_is_whole(data: bytes) -> bool:
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


def _webm_is_whole(data: bytes) -> bool:
    segment = data.find(_SEGMENT, 0, 4096)
    if segment < 0 or segment + 12 > len(data):
        return False
    first = data[segment + 4]
    length = 9 - first.bit_length()  # the leading zeros of a variable-size integer say how many bytes it has
    size = int.from_bytes(data[segment + 4 : segment + 4 + length], "big") & ((1 << 7 * length) - 1)
    unknown = size == (1 << 7 * length) - 1  # recorded live
    return unknown or segment + 4 + length + size <= len(data)


def _wav_is_whole(data: bytes) -> bool:
    size = int.from_bytes(data[4:8], "little")
    return size in (0, 0xFFFFFFFF) or size + 8 <= len(data) + 1  # writers to a pipe do not know the size


def _ogg_is_whole(data: bytes) -> bool:
    position = 0
    while data.startswith(b"OggS", position):
        segments = data[position + 26] if position + 27 <= len(data) else 255
        position += 27 + segments + sum(data[position + 27 : position + 27 + segments])
    return position <= len(data)
