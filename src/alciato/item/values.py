"""Values as they come from tables and files → values that an item may hold: finite, valid Unicode, times in UTC."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import JsonValue

from alciato.errors import BadMedia
from alciato.item.item import DEPTH
from alciato.item.parts import INTEGER_BITS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX = re.compile(r"-?\d{9,19}(?:\.\d+)?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?:[T ]+(\d.*))?", re.IGNORECASE)


def clean_text(text: str) -> str:
    """Replace the halves of surrogate pairs, which no file can hold, by U+FFFD; everything else stays."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _broken(text) else text


def _broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def json_value(value: Any, depth: int = 0) -> JsonValue:
    """Turn a cell of any table into a JSON value. NaN and infinities become None, times ISO 8601, bytes their size.

    Raises `BadMedia` (bad-row) where it is nested deeper than `DEPTH`.
    """
    if depth >= DEPTH:  # the metadata itself is one level more
        raise BadMedia("bad-row", f"a value is nested deeper than {DEPTH} levels.")
    if value is None or isinstance(value, str | bool | int | float):
        return _scalar(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): json_value(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(inner, depth + 1) for inner in value]
    return _other(value, depth)


def _scalar(value: str | bool | int | float | None) -> JsonValue:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int) and value.bit_length() > INTEGER_BITS:
        return hex(value)  # more digits than JSON readers take
    return value


def _other(value: Any, depth: int) -> JsonValue:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, datetime):
        return iso_time(value)
    if hasattr(value, "tolist"):  # numpy
        return json_value(value.tolist(), depth + 1)
    return clean_text(str(value))


def iso_time(value: Any) -> str | None:
    """Bring a time to ISO 8601 in UTC, `2024-05-01T12:30:00Z`; None where it cannot be understood without guessing.

    Taken: datetimes and dates; seconds, milli-, micro- and nanoseconds since 1970; ISO 8601; year first with slashes
    or dots; RFC 2822; the form of old Twitter. A time without a zone is taken as UTC. `05/04/2024` is not taken: it
    has two meanings.
    """
    try:
        moment = _moment(value)
        if moment is None:
            return None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment.isoformat().replace("+00:00", "Z")


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    if _UNIX.fullmatch(text):
        return _since_1970(text)
    return _written(text)


def _since_1970(text: str) -> datetime:
    """Digits tell the unit: 10 are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds."""
    whole, _, fraction = text.partition(".")
    power = max(0, (len(whole.lstrip("-")) - 10 + 2) // 3)
    microseconds = int(whole + fraction[:6].ljust(6, "0")) // 1000**power
    return _EPOCH + timedelta(microseconds=microseconds)


def _written(text: str) -> datetime | None:
    if re.fullmatch(r"\d{4}", text):
        return datetime(int(text), 1, 1, tzinfo=UTC)
    if parts := _YEAR_FIRST.fullmatch(text):
        year, month, day, clock = parts.groups()
        text = f"{year}-{int(month):02}-{int(day):02}" + (f"T{_clock(clock)}" if clock else "")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass  # not ISO 8601: the older forms below
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        return parsedate_to_datetime(text) if re.search(r"[A-Za-z]{3}", text) else None


def _clock(text: str) -> str:
    """Write `9:05 UTC` or `09:05 +0100` as ISO 8601 has it."""
    text = re.sub(r"\s*(?:UTC|GMT)$", "Z", text.strip(), flags=re.IGNORECASE)
    text = re.sub(r"\s+([+-]\d)", r"\1", text)
    return text if text[1:2].isdigit() else f"0{text}"


def plain_cell(text: str) -> str | int | float | None:
    """Read a cell of a CSV file: a number where writing it again gives the same characters, None where it is empty."""
    if not text:
        return None
    if text[-1].isdigit() and len(text) <= 25:
        for number in (int, float):
            try:
                read = number(text)
            except ValueError:
                continue
            if str(read) == text:
                return read
    return text
