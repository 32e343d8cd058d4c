"""`--where`: a condition over a few named columns, checked before the store sees it.

`created_at > '2024-01-01' and author = 'zork'`. A time may be written as a bare string; without a zone it is UTC.
The columns, operators and functions are listed here; everything else is an error that says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from alciato.errors import UsageError, unknown_name

COLUMNS = ("created_at", "author", "label", "source", "language", "kind", "item", "part", "text")
FUNCTIONS = ("lower", "upper", "contains", "starts_with", "ends_with", "length", "date_part", "regexp_like")
WORDS = frozenset(
    ["and", "or", "not", "in", "is", "null", "like", "ilike", "between", "true", "false", "timestamp", "date"]
)
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<string>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator><=|>=|<>|!=|=|<|>|\+|-(?!-)|%)|(?P<open>\()|(?P<close>\))|(?P<comma>,)"
)
_EXAMPLE = "Such as: created_at > '2024-01-01' and author = 'zork'."


class Token(NamedTuple):
    """A word of a condition and its kind."""

    kind: str
    text: str


def checked_filter(where: str | None) -> str | None:
    """Give the condition as the store takes it, times as timestamps; None for None.

    Raises `UsageError`: an unknown column or function, an unclosed bracket or string, anything but a condition.
    """
    if where is None:
        return None
    tokens = list(_tokens(where))
    if not tokens:
        raise UsageError("the filter is empty.", remedy=_EXAMPLE)
    _check_brackets(tokens, where)
    for place, token in enumerate(tokens):
        if token.kind == "name":
            _check_name(token.text, called=place + 1 < len(tokens) and tokens[place + 1].kind == "open")
    return " ".join(_timed(tokens, where))


def filter_error(where: str, error: Exception) -> UsageError:
    """Say what the store did not like about a condition, in its first sentence."""
    reason = str(error).split(", /root", 1)[0].split("\n", 1)[0][:300]
    return UsageError(f"the filter {where!r} cannot be followed: {reason}", remedy=_EXAMPLE)


def _tokens(where: str) -> Iterator[Token]:
    place = 0
    while place < len(where):
        match = _TOKEN.match(where, place)
        if match is None:
            raise UsageError(f"the filter cannot be understood from {where[place : place + 20]!r} on.", remedy=_EXAMPLE)
        place = match.end()
        if match.lastgroup not in (None, "space"):
            yield Token(str(match.lastgroup), match.group())


def _check_brackets(tokens: list[Token], where: str) -> None:
    depth = 0
    for token in tokens:
        depth += (token.kind == "open") - (token.kind == "close")
        if depth < 0:
            break
    if depth:
        raise UsageError(f"the brackets of the filter {where!r} do not close.", remedy=_EXAMPLE)


def _check_name(name: str, *, called: bool) -> None:
    if name.lower() in WORDS or (not called and name in COLUMNS) or (called and name.lower() in FUNCTIONS):
        return
    raise unknown_name("function" if called else "column", name, list(FUNCTIONS if called else COLUMNS))


def _timed(tokens: list[Token], where: str) -> Iterator[str]:
    """Write strings that stand against `created_at` as timestamps."""
    column = ""
    for place, token in enumerate(tokens):
        if token.kind == "name" and token.text in COLUMNS:
            column = token.text
        ahead = tokens[place + 1 : place + 3]
        flipped = len(ahead) == 2 and ahead[0].kind == "operator" and ahead[1].text in COLUMNS
        against = ahead[1].text if flipped else column
        cast = place > 0 and tokens[place - 1].text.lower() in ("timestamp", "date")
        argument = place > 1 and tokens[place - 1].kind == "open" and tokens[place - 2].text.lower() in FUNCTIONS
        if token.kind == "string" and against == "created_at" and not cast and not argument:
            yield _timestamp(token.text, where)
        else:
            yield token.text


def _timestamp(literal: str, where: str) -> str:
    try:
        time = datetime.fromisoformat(literal[1:-1])
    except ValueError as error:
        raise UsageError(
            f"{literal} in the filter {where!r} is no time.", remedy="Write '2024-05-01' or '2024-05-01T18:30:00Z'."
        ) from error
    time = time.astimezone(UTC) if time.tzinfo else time
    return f"timestamp '{time.replace(tzinfo=None).isoformat(sep=' ')}'"
