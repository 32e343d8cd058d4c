"""The tables of a collection: their columns, and the way between typed results and rows."""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from alciato.errors import AlciatoError
from alciato.item import Box, Item, Reading, Segment, Table, Text, Verdict
from alciato.item.item import content_id
from alciato.item.reading import ENCODE_KINDS

_TIME = pa.timestamp("us", tz="UTC")
_BOX = pa.list_(pa.float32(), 4)
_FILTERS = [
    pa.field("created_at", _TIME),
    pa.field("author", pa.string()),
    pa.field("label", pa.string()),
    pa.field("source", pa.string()),
]
"""What a `--where` may name, besides the language of the text: copied from the item to each of its segments."""

ITEMS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("content", pa.string()),  # hash of the parts: the same id with other content is another item
        pa.field("parts", pa.list_(pa.string())),
        pa.field("media", pa.list_(pa.string())),
        pa.field("json", pa.string()),
        pa.field("added_at", _TIME),
        *_FILTERS,
    ]
)
MEDIA = pa.schema(
    [
        pa.field("sha", pa.string(), nullable=False),
        pa.field("size", pa.int64()),
        pa.field("data", pa.large_binary()),
    ]
)
READINGS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("part", pa.int32()),
        pa.field("kind", pa.string()),
        pa.field("model", pa.string()),
        pa.field("version", pa.string()),
        pa.field("findings", pa.string()),
        pa.field("error", pa.string()),
        pa.field("read_at", _TIME),
    ]
)
SEGMENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("part", pa.int32()),
        pa.field("kind", pa.string()),
        pa.field("text", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("words", pa.string()),  # text and raw together: what the full-text index holds
        pa.field("grams", pa.string()),  # the same without spaces: what the index over parts of words holds
        pa.field("box", _BOX),
        pa.field("start", pa.float64()),
        pa.field("end", pa.float64()),
        pa.field("pdq", pa.binary(32)),
        pa.field("language", pa.string()),
        *_FILTERS,
    ]
)
VERDICTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("policy", pa.string()),
        pa.field("policy_hash", pa.string()),
        pa.field("strategy", pa.string()),
        pa.field("model", pa.string()),
        pa.field("actor", pa.string()),  # who decided: alciato, or a person
        pa.field("decision", pa.string()),
        pa.field("json", pa.string()),
        pa.field("judged_at", _TIME),
        pa.field("removed_at", _TIME),  # when the post was removed from the collection
    ]
)
EMBEDDED = (
    *("id", "item", "part", "kind", "text", "box", "start", "end", "language"),
    *(field.name for field in _FILTERS),
)
"""Columns of a segment that stand beside its vector in the table of an encoder."""
SCHEMAS = {"items": ITEMS, "media": MEDIA, "readings": READINGS, "segments": SEGMENTS, "verdicts": VERDICTS}
BY_MEDIUM = ("features",)
"""Tables made of the media, with a column `medium`: their rows go with the medium."""
DERIVED = (*BY_MEDIUM, "near_copy_keys", "near_copy_pictures", "near_copies")
"""Tables that `duplicates` makes: not there before its first call. Its next call makes what is missing again, and drops
what speaks of media that are gone."""


def item_row(item: Item) -> dict[str, Any]:
    """Give the row of an item."""
    return {
        "id": item.id,
        "content": content_of(item),
        "parts": [part.type for part in item.parts],
        "media": [part.media for _, part in item.media()],
        "json": item.model_dump_json(),
        "added_at": datetime.now(UTC),
        **filter_columns(item),
    }


def content_of(item: Item) -> str:
    """Hash of what an item holds; file names and metadata left out."""
    return content_id(item.parts)


def filter_columns(item: Item) -> dict[str, Any]:
    """Item metadata that is denormalised onto each segment. A time that cannot be read is null."""
    known = {key: value for key in ("author", "label", "source") if (value := item.metadata.get(key)) is not None}
    return {
        "author": None,
        "label": None,
        "source": None,
        **{key: value if isinstance(value, str) else json.dumps(value) for key, value in known.items()},
        "created_at": _time(item.metadata.get("created_at")),
    }


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def body_segments(item: Item) -> list[Segment]:
    """Segments of the words that came as text: they can be found before anything is read."""
    segments = []
    for number, part in enumerate(item.parts):
        if isinstance(part, Text) and part.text.strip():
            segments.append(
                Segment(id=f"{item.id}/{number}/body/0", item=item.id, part=number, kind="body", text=part.text)
            )
        elif isinstance(part, Table):
            text = " ".join(part.columns)
            segments.append(
                Segment(id=f"{item.id}/{number}/table/0", item=item.id, part=number, kind="table", text=text)
            )
    return segments


def segment_row(segment: Segment, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Give the row of a segment; `filters` are the `filter_columns` of its item."""
    words = segment.text if segment.raw in (None, segment.text) else f"{segment.text}\n{segment.raw}"
    return {
        "id": segment.id,
        "item": segment.item,
        "part": segment.part,
        "kind": segment.kind,
        "text": segment.text,
        "raw": segment.raw,
        "words": words,
        "grams": "".join(segment.text.split()),
        "box": None if segment.box is None else list(segment.box),
        "start": segment.start,
        "end": segment.end,
        "pdq": None if segment.pdq is None else bytes.fromhex(segment.pdq),
        "language": segment.language,
        **filters,
    }


def segment_of(row: Mapping[str, Any]) -> Segment:
    """Read a segment back from its row."""
    return Segment(
        id=row["id"],
        item=row["item"],
        part=row["part"],
        kind=row["kind"],
        text=row["text"],
        raw=row["raw"],
        box=None if row["box"] is None else Box(*row["box"]),
        start=row["start"],
        end=row["end"],
        language=row["language"],
        pdq=None if row["pdq"] is None else row["pdq"].hex(),
    )


def reading_row(reading: Reading) -> dict[str, Any]:
    """Give the row of a reading: one for each item, part and kind; of encoding, one for each encoder."""
    by_encoder = f"/{_short_hash(reading.version)}" if reading.kind in ENCODE_KINDS else ""
    findings = [finding.model_dump(exclude_none=True) for finding in reading.findings]
    return {
        "id": f"{reading.item}/{reading.part}/{reading.kind}{by_encoder}",
        "item": reading.item,
        "part": reading.part,
        "kind": reading.kind,
        "model": reading.model,
        "version": reading.version,
        "findings": json.dumps(findings, ensure_ascii=False),
        "error": reading.error,
        "read_at": reading.read_at or datetime.now(UTC),
    }


def reading_of(row: Mapping[str, Any]) -> Reading:
    """Read a reading back from its row."""
    fields = {key: row[key] for key in ("item", "part", "kind", "model", "version", "error", "read_at")}
    return Reading(**fields, findings=tuple(json.loads(row["findings"])))


def verdict_row(verdict: Verdict, actor: str) -> dict[str, Any]:
    """Give the row of a verdict; each is a row of its own. Raises `AlciatoError` if it could not be read back."""
    text = verdict.model_dump_json()
    wrong = [name for name, score in verdict.scores.items() if not math.isfinite(score)]
    try:
        same = not wrong and Verdict.model_validate_json(text) == verdict
    except ValueError:
        same = False
    if not same:
        reason = f"the score of {', '.join(wrong)} is not a number" if wrong else "it cannot be read back as it is"
        raise AlciatoError(
            f"the verdict by {verdict.strategy} with {verdict.model} is not saved: {reason}.",
            where=verdict.item,
            remedy="Judge it again; if it stays so, name another model.",
        )
    return {
        "id": uuid.uuid4().hex,
        "item": verdict.item,
        "policy": verdict.policy,
        "policy_hash": verdict.policy.rpartition("@")[2],
        "strategy": verdict.strategy,
        "model": verdict.model,
        "actor": actor,
        "decision": verdict.decision,
        "json": text,
        "judged_at": verdict.judged_at,
        "removed_at": None,
    }


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sql_list(values: Sequence[str]) -> str:
    """Write strings as an SQL list, quotes doubled."""
    return "(" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + ")"
