"""File kinds by signature: what bytes are, from their first bytes alone, and whether a file name says the same.

Source: the signatures of each format's own specification.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from alciato.errors import BadMedia

HEAD = 4096
"""Bytes of a file that are enough to know its kind."""


class FileKind(NamedTuple):
    """A kind of file. `family` is picture, clip (video or audio), pages, table, archive, text or other."""

    name: str
    family: str
    mime: str
    extensions: tuple[str, ...] = ()


_KINDS = (
    FileKind("JPEG", "picture", "image/jpeg", ("jpg", "jpeg", "jpe", "jfif")),
    FileKind("PNG", "picture", "image/png", ("png", "apng")),
    FileKind("WebP", "picture", "image/webp", ("webp",)),
    FileKind("GIF", "picture", "image/gif", ("gif",)),
    FileKind("BMP", "picture", "image/bmp", ("bmp", "dib")),
    FileKind("TIFF", "picture", "image/tiff", ("tif", "tiff")),
    FileKind("AVIF", "picture", "image/avif", ("avif",)),
    FileKind("MP4", "clip", "video/mp4", ("mp4", "m4v", "mov", "qt", "m4a", "3gp")),
    FileKind("WebM", "clip", "video/webm", ("webm", "mkv", "weba")),
    FileKind("WAV", "clip", "audio/wav", ("wav", "wave")),
    FileKind("MP3", "clip", "audio/mpeg", ("mp3",)),
    FileKind("Ogg", "clip", "audio/ogg", ("ogg", "oga", "ogv", "opus", "spx")),
    FileKind("FLAC", "clip", "audio/flac", ("flac",)),
    FileKind("PDF", "pages", "application/pdf", ("pdf",)),
    FileKind("Parquet", "table", "application/vnd.apache.parquet", ("parquet", "pq")),
    FileKind("zip", "archive", "application/zip", ("zip",)),
    FileKind("RAR", "archive", "application/vnd.rar", ("rar",)),
    FileKind("7z", "archive", "application/x-7z-compressed", ("7z",)),
    FileKind("gzip", "archive", "application/gzip", ("gz", "tgz")),
    FileKind("bzip2", "archive", "application/x-bzip2", ("bz2",)),
    FileKind("xz", "archive", "application/x-xz", ("xz",)),
    FileKind("Zstandard", "archive", "application/zstd", ("zst",)),
    FileKind("tar", "archive", "application/x-tar", ("tar",)),
    FileKind("HEIC", "other", "image/heic", ("heic", "heif")),
    FileKind("AVI", "other", "video/x-msvideo", ("avi",)),
    FileKind("program", "other", "application/octet-stream", ("exe", "dll", "so")),
    FileKind("SQLite", "other", "application/vnd.sqlite3", ("sqlite", "db")),
    FileKind("HTML", "other", "text/html", ("html", "htm")),
    FileKind("SVG", "other", "image/svg+xml", ("svg",)),
    FileKind("text", "text", "text/plain", ("txt", "text", "md", "markdown", "jsonl", "ndjson", "json", "csv", "tsv")),
)
KINDS = {kind.name: kind for kind in _KINDS}
"""Every kind that is told apart, by name."""

EXTENSIONS = {extension: kind for kind in _KINDS for extension in kind.extensions}
"""The kind that an extension promises."""

_SIGNATURES = tuple(
    (KINDS[name], re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("JPEG", rb"\xff\xd8\xff"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("WebP", rb"RIFF....WEBP"),
        ("GIF", rb"GIF8[79]a"),
        ("BMP", rb"BM.{4}\0\0\0\0.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
        ("TIFF", rb"II\*\0|MM\0\*"),
        ("AVIF", rb".{4}ftypavi[fs]"),
        ("HEIC", rb".{4}ftyp(?:hei[cmsx]|hev[cmx]|mif1|msf1)"),
        ("MP4", rb".{4}(?:ftyp|moov|mdat|wide)"),
        ("WebM", rb"\x1a\x45\xdf\xa3"),
        ("WAV", rb"RIFF....WAVE"),
        ("AVI", rb"RIFF....AVI "),
        ("Ogg", rb"OggS"),
        ("FLAC", rb"fLaC"),
        # A frame header of layer III whose bit rate and sampling rate are not the reserved values.
        ("MP3", rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xeb]"),
        ("PDF", rb"[\s\0]{0,64}%PDF-"),
        ("Parquet", rb"PAR1"),
        ("zip", rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
        ("RAR", rb"Rar!\x1a\x07"),
        ("7z", rb"7z\xbc\xaf\x27\x1c"),
        ("gzip", rb"\x1f\x8b\x08"),
        ("bzip2", rb"BZh[1-9]1AY&SY"),
        ("xz", rb"\xfd7zXZ\0"),
        ("Zstandard", rb"\x28\xb5\x2f\xfd"),
        ("tar", rb".{257}ustar"),
        ("program", rb"\x7fELF|MZ.\0|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe"),
        ("SQLite", rb"SQLite format 3\0"),
        ("HTML", rb"(?:\xef\xbb\xbf)?\s{0,64}<(?i:!doctype html|html)"),
        ("SVG", rb"(?:\xef\xbb\xbf)?\s{0,64}(?:<\?xml[^>]{0,200}>\s{0,64})?<svg"),
    )
)


def kind_of(head: bytes) -> FileKind | None:
    """Tell the kind of a file by its first `HEAD` bytes; None where no signature fits (text has none)."""
    return next((kind for kind, signature in _SIGNATURES if signature.match(head)), None)


def looks_like_text(head: bytes) -> bool:
    """Tell whether the bytes could be text: a UTF-16 mark, or next to no control characters that text does not use."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    controls = len(re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head))
    return controls <= len(head) // 20  # a table with a few bad rows is still a table


def honest_kind(head: bytes, name: str | None = None) -> FileKind:
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


def promised_kind(name: str | None) -> FileKind | None:
    """Return the kind that a file name's extension promises; None where it promises none."""
    _, dot, extension = (name or "").rpartition(".")
    return EXTENSIONS.get(extension.lower()) if dot else None


def _text_like(kind: FileKind, promised: FileKind) -> bool:
    """A text file may well begin with a tag: what counts is that it is text."""
    return promised.family == "text" and kind.name in ("HTML", "SVG")


def _disguised(kind: FileKind, promised: FileKind) -> BadMedia:
    message = f"its name promises {promised.name}, but its bytes are {kind.name}."
    return BadMedia("disguised", message, remedy="Rename it if it is what you want.")
