"""Readings to segments: each thing that a search can match, with its place and a name that never changes.

A segment's id is `ITEM/PART/KIND/NUMBER`. The text of a segment is the respaced one; raw is kept where it differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alciato.item import Finding, Image, Item, Part, Segment, Table, Text, Video
from alciato.read.blocks import blocks, reading_order, union
from alciato.read.content import kind_of_text, table_text
from alciato.read.language import detect, detect_all
from alciato.read.sentences import chunks, word_count

PASSAGE = 160  # words of one segment of a long text
TOGETHER = 200  # letters of one picture that are one thought more often than not
SEGMENTS_OF = {
    "ocr": frozenset({"ocr"}),
    "speech": frozenset({"speech"}),
    "caption": frozenset({"caption"}),
    "table": frozenset({"table"}),
    "pdq": frozenset({"picture", "frame"}),
    "segment": frozenset({"body", "ocr", "speech", "caption", "table", "picture", "frame"}),
}
"""Kinds of segment that are built from each kind of reading; the other kinds of reading make none."""
Readings = Mapping[tuple[int, str], Sequence[Finding]]
"""Findings by part and kind of reading."""


def segments_of(item: Item, readings: Readings, kinds: Iterable[str] | None = None) -> list[Segment]:
    """Build the segments of an item, of some kinds or of all, from what has been read of it."""
    wanted = None if kinds is None else frozenset(kinds)
    segments: list[Segment] = []
    for number, part in enumerate(item.parts):
        found = {kind: findings for (place, kind), findings in readings.items() if place == number}
        made = [*_written(part, found), *_seen(part, found), *_said(found)]
        counts: dict[str, int] = {}
        for segment in made:
            count = counts.setdefault(segment.kind, 0)
            counts[segment.kind] += 1
            place = {"id": f"{item.id}/{number}/{segment.kind}/{count}", "item": item.id, "part": number}
            segments.append(segment.model_copy(update=place))
    segments = _named(segments)
    return segments if wanted is None else [segment for segment in segments if segment.kind in wanted]


def segments_made_by(readings: Iterable[str]) -> frozenset[str]:
    """Kinds of segment that new readings of these kinds replace."""
    return frozenset().union(*(SEGMENTS_OF.get(kind, frozenset()) for kind in readings))


def passages(text: str, words: int = PASSAGE) -> list[str]:
    """Cut a long text into passages of so many words at most; one that is longer by less than half stays whole."""
    if word_count(text) <= words * 3 // 2:
        return [text.strip()] if text.strip() else []
    return chunks(text, words, "words")


def said_once(texts: Iterable[str]) -> list[str]:
    """Leave out each text that an earlier one contains: the whole of a picture's words comes before its blocks."""
    chosen: dict[str, str] = {}  # by their small letters
    for text in texts:
        letters = text.casefold()
        if letters not in chosen and not any(letters in other for other in chosen):
            chosen[letters] = text
    return list(chosen.values())


def _written(part: Part, found: Mapping[str, Sequence[Finding]]) -> list[Segment]:
    if isinstance(part, Text):
        return [_segment(kind_of_text(part), text=passage) for passage in passages(part.text)]
    if isinstance(part, Table):
        texts = [finding.text or "" for finding in found.get("table", ())] or [table_text(part)[:4000]]
        return [_segment("table", text=text) for text in texts if text]
    return []


def _seen(part: Part, found: Mapping[str, Sequence[Finding]]) -> list[Segment]:
    hashes = found.get("pdq", ())
    segments: list[Segment] = []
    if isinstance(part, Image):
        segments.append(_segment("picture", pdq=hashes[0].value if hashes else None))
    elif isinstance(part, Video):
        segments += [_segment("frame", pdq=one.value, start=one.start, end=one.end) for one in hashes]
    captions = [_segment("caption", text=caption.text or "") for caption in found.get("caption", ())]
    return [*segments, *_blocks(found.get("ocr", ())), *captions]


def _blocks(lines: Sequence[Finding]) -> list[Segment]:
    """Lines that stand together, at the same time, are one segment: a sentence over three lines is found as one.

    Where few words stand in several places, a first segment has them all: a meme says half above and half below.
    """
    segments = []
    for start in sorted({line.start for line in lines}, key=lambda start: start or 0.0):
        here = [line for line in lines if line.start == start]
        placed = [line for line in here if line.box is not None]
        groups = blocks([line.box for line in placed if line.box is not None])
        found = [_block([placed[i] for i in group]) for group in groups]
        found += [_block([line]) for line in here if line.box is None]
        if len(found) > 1 and sum(len(segment.text) for segment in found) <= TOGETHER:
            segments.append(_block([here[i] for i in _in_order(here)]))
        segments += found
    return segments


def _in_order(lines: Sequence[Finding]) -> list[int]:
    """Places of the lines from top to bottom; as they came where one has no box."""
    boxes = [line.box for line in lines if line.box is not None]
    return reading_order(boxes) if len(boxes) == len(lines) else list(range(len(lines)))


def _block(lines: Sequence[Finding]) -> Segment:
    text = " ".join(line.text or "" for line in lines)
    raw = " ".join(line.raw or line.text or "" for line in lines)
    ends = [line.end for line in lines if line.end is not None]
    boxes = [line.box for line in lines if line.box is not None]
    return _segment(
        "ocr",
        text=text,
        raw=None if raw == text else raw,
        box=union(boxes) if boxes else None,
        start=lines[0].start,
        end=max(ends) if ends else None,
    )


def _said(found: Mapping[str, Sequence[Finding]]) -> list[Segment]:
    return [
        _segment("speech", text=one.text, start=one.start, end=one.end) for one in found.get("speech", ()) if one.text
    ]


def _segment(kind: str, **fields: Any) -> Segment:
    """A segment that does not know yet where it stands."""
    return Segment(id="", item="", part=0, kind=kind, **fields)


def _named(segments: list[Segment]) -> list[Segment]:
    """Name the language of each segment: its own where it is clear, else that of the whole item."""
    whole = detect_all(segment.text for segment in segments).code
    return [
        segment.model_copy(update={"language": detect(segment.text).code or whole}) if segment.text else segment
        for segment in segments
    ]
