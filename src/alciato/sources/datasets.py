"""A row of a table of posts → `Post`: Hugging Face `datasets` rows, and the rows of JSONL, CSV and Parquet files.

Words, pictures and recordings become parts, the columns with a meaning become metadata and links (see `columns`), and
what is left over stays in the metadata. Nothing is fetched from the network.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from alciato.errors import BadMedia
from alciato.item.columns import Columns, find_columns
from alciato.item.item import Item, Link, Post
from alciato.item.ordered import ordered, parts_of
from alciato.item.parts import Text
from alciato.item.values import clean_text, iso_time, json_value
from alciato.media.part import media_part
from alciato.settings import Limits

OpenPath = Callable[[str], bytes]
"""Gives the bytes of a file that a row names; raises `BadMedia` where it must not or cannot."""

LONGEST_TIME = 100
"""Characters of a time at most: a longer text is none, and is not tried as one."""
RESERVED = ("source", "table")
"""Keys of the metadata that Alciato sets itself; a column of that name is kept as `original_…`."""


def from_row(
    row: Mapping[str, Any],
    columns: Mapping[str, str] | None = None,
    *,
    open_path: OpenPath | None = None,
    limits: Limits | None = None,
) -> Post:
    """Build a post from a row.

    A picture or recording is a path, bytes, a data URL, `{"bytes", "path"}`, `{"array", "sampling_rate"}`, a PIL
    picture (kept as PNG), or a list of these. `columns` maps fields to column names where the usual ones do not hold.
    A column `parts` gives all parts in their order, tables among them (see `alciato.item.ordered`).

    Raises:
        BadMedia: bad-row (no words and no media among the columns), empty (all of them empty), remote (an address),
            or why a medium cannot be taken.
        UsageError: `columns` names an unknown field.
    """
    found = find_columns(row, columns)
    if not found.hold_posts:
        names = ", ".join(map(str, list(row)[:12]))
        remedy = "Name the column with words or pictures (--map text=COLUMN)."
        raise BadMedia("bad-row", f"none of its columns ({names}) is known to hold words or media.", remedy=remedy)
    reader = _Media(open_path or _read_local, limits or Limits())
    told = ordered(row.get("parts"))
    if told is not None:
        parts = list(parts_of(told, reader.parts))
        row = {name: value for name, value in row.items() if name != "parts"}
    else:
        parts = list(_texts(row, found.texts))
        parts += [part for column in found.media for part in reader.parts(row.get(column))]
        parts += _texts(row, found.captions)
    if not parts:
        raise BadMedia("empty", "it has neither words nor media.")
    item = Item.of(parts, _metadata(row, found))
    given = _name(row, found.id)
    target = _name(row, found.reply_to)
    links = (Link(kind="reply_to", target=target),) if target else ()
    return Post(item.model_copy(update={"id": given or item.id, "links": links}), reader.media)


def time_of(value: Any) -> str | None:
    """A time as ISO 8601 in UTC; None where it is none, or is too long to be one."""
    return None if isinstance(value, str) and len(value) > LONGEST_TIME else iso_time(value)


def _name(row: Mapping[str, Any], column: str | None) -> str | None:
    """Read an id: text, or a number without a fraction."""
    value = json_value(row.get(column)) if column is not None else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (str(value).strip() or None) if isinstance(value, str | int | float) else None


def _texts(row: Mapping[str, Any], columns: tuple[tuple[str, str | None], ...]) -> Iterator[Text]:
    for column, role in columns:
        value = row.get(column)
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str | int | float) and not _is_nothing(text) and str(text).strip():
                yield Text(text=clean_text(str(text)), name=clean_text(role) if role else None)


def _metadata(row: Mapping[str, Any], columns: Columns) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {}
    for name, value in row.items():
        if name not in columns.used:
            key = clean_text(str(name))
            metadata[f"original_{key}" if key in RESERVED else key] = json_value(value)
    for field, column in (("label", columns.label), ("author", columns.author)):
        if column is not None and row.get(column) is not None:
            metadata[field] = json_value(row[column])
    written = row.get(columns.created_at) if columns.created_at is not None else None
    if not _is_nothing(written):
        moment = time_of(written)
        metadata["created_at" if moment else "original_created_at"] = moment or json_value(written)
    return metadata


class _Media:
    """Collects the media of one row by their hash."""

    def __init__(self, open_path: OpenPath, limits: Limits) -> None:
        self.media: dict[str, bytes] = {}
        self._open, self._limits = open_path, limits

    def parts(self, value: Any) -> Iterator[Any]:
        """Yield the parts of one cell; none where it is empty."""
        if _is_nothing(value):
            return
        if isinstance(value, list | tuple):
            for inner in value:
                yield from self.parts(inner)
            return
        data, name = self._bytes(value)
        part = media_part(data, name, self._limits)
        self.media[part.media] = data
        yield part

    def _bytes(self, value: Any) -> tuple[bytes, str | None]:
        if isinstance(value, Mapping):
            return self._feature(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value), None
        if isinstance(value, str | Path):
            path = str(value).strip()
            if path.startswith("data:"):
                return data_url_bytes(path), None
            if is_remote(path):
                remedy = "Nothing is fetched: put the file beside the table."
                raise BadMedia("remote", f"{path[:200]!r} is an address, not a file.", remedy=remedy)
            return self._open(path), _base_name(path)
        return _encoded_picture(value), None

    def _feature(self, value: Mapping[str, Any]) -> tuple[bytes, str | None]:
        """Read what the `Image` and `Audio` features of `datasets` hold."""
        path = value.get("path")
        if isinstance(value.get("bytes"), bytes | bytearray | memoryview):
            return bytes(value["bytes"]), _base_name(path) if isinstance(path, str) and path else None
        if value.get("array") is not None:
            return wav_bytes(value["array"], value.get("sampling_rate") or 16_000), None
        if isinstance(path, str) and path:
            return self._bytes(path)
        names = ", ".join(map(str, value))
        raise BadMedia("bad-row", f"a medium with the fields {names} is not understood.")


def _is_nothing(value: Any) -> bool:
    """None, no characters, or NaN, which pandas writes for nothing."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def _read_local(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise BadMedia("missing-file", f"{path[:200]!r} cannot be read ({error}).") from error


def _base_name(path: str) -> str:
    return clean_text(re.split(r"[/\\]", path.rstrip("/\\"))[-1])


def is_remote(path: str) -> bool:
    """Tell whether a path is an address of another machine."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://|//", path) is not None


def data_url_bytes(url: str) -> bytes:
    """Decode a `data:…;base64,…` URL. Raises `BadMedia` (bad-row)."""
    head, comma, body = url.partition(",")
    try:
        if not comma or not head.endswith(";base64"):
            raise BadMedia("bad-row", f"{head[:60]!r} is not a data URL in base64.")
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise BadMedia("bad-row", f"a data URL is not valid base64 ({error}).") from error


def wav_bytes(samples: Any, rate: Any) -> bytes:
    """Write samples (samples,) or (channels, samples), floats in -1..1 or 16-bit integers, as a 16-bit WAV file.

    Exact for what was recorded with 16 bits, as 16-bit samples divided by 32768 are. Raises `BadMedia` (bad-row).
    """
    import numpy as np

    try:
        array = np.atleast_2d(np.asarray(samples))  # (channels, samples)
    except ValueError as error:
        raise BadMedia("bad-row", f"the samples of a recording are not an array ({error}).") from error
    if array.ndim != 2 or array.dtype.kind not in "fiu" or not isinstance(rate, int) or not 0 < rate <= 1_000_000:
        message = f"a recording of shape {array.shape}, type {array.dtype} and rate {rate!r} is not understood."
        raise BadMedia("bad-row", message)
    if array.dtype.kind == "f":
        array = np.clip(np.round(np.nan_to_num(array) * 32768), -32768, 32767)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(array.shape[0])
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.ascontiguousarray(array.T).astype("<i2").tobytes())  # (samples, channels)
    return file.getvalue()


def _encoded_picture(value: Any) -> bytes:
    from PIL import Image

    if not isinstance(value, Image.Image):
        remedy = "Use `cast_column(name, Image(decode=False))` or `Audio(decode=False)`."
        raise BadMedia("bad-row", f"a medium of type {type(value).__name__} is not understood.", remedy=remedy)
    picture = value if value.mode in ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA") else value.convert("RGB")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
