"""The column `parts` of a row: every part of a post in its order, words and tables in full, media by their path.

`[{"type": "text", "text": …}, {"type": "image", "path": …}, {"type": "table", "columns": …, "rows": …}]`, or the same
as JSON text. Rows without it have their parts in the order of the usual columns, and no tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from alciato.errors import BadMedia
from alciato.item.parts import Table, Text

_MEDIA = ("image", "audio", "video")


def ordered(value: Any) -> list[Mapping[str, Any]] | None:
    """Read the column; None where it holds anything else than parts."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    known = isinstance(value, list) and bool(value) and all(_is_part(one) for one in value)
    return value if known else None


def _is_part(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    return kind in ("text", "table") or (kind in _MEDIA and isinstance(value.get("path"), str))


def parts_of(told: Iterable[Mapping[str, Any]], media: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """Yield the parts; `media` gives those of a path. Raises `BadMedia` (bad-row, or why a medium is not taken)."""
    for one in told:
        if one["type"] in _MEDIA:
            yield from media(one["path"])
            continue
        try:
            yield (Text if one["type"] == "text" else Table).model_validate(one)
        except ValidationError as error:
            raise BadMedia("bad-row", f"a {one['type']} part is not understood: {error.errors()[0]['msg']}.") from error
