"""What the judge sees of an item: passages of words with their place, and words paired with what a picture shows.

A packaged model does not look at pictures. What a picture shows is known where somebody or something says it in
words: a text part named `caption`, `alt` or `description` that came with the post, or the reading of a captioner.
Such a description is paired with the words of the post, since some posts offend only by both together. Without a
description the pair cannot be seen, and the verdict says that the picture was not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from alciato.item import Finding, Item, Reading, Segment, Span, Table, Text
from alciato.models import Picture

DESCRIBING = frozenset({"caption", "alt", "alt text", "alt_text", "description"})
"""Names of text parts that say what a picture shows."""
WINDOW = 400
"""Characters of one passage at most: longer ones drown a sentence in its neighbourhood."""
_ORDER = {"body": 0, "ocr": 1, "speech": 2, "table": 3, "caption": 4}
_SENTENCE = re.compile(r"(?<=[.!?\n\u0964\u3002\u061f\uff01\uff1f])\s*")


@dataclass(frozen=True)
class Passage:
    """Words that are judged as one, and the places they come from. `picture` says what is seen with them."""

    words: str
    evidence: tuple[Span, ...]
    picture: str | None = None

    @property
    def text(self) -> str:
        """The passage as one string: the form in which examples of a policy are written, too."""
        return paired(self.words, self.picture)


def paired(words: str, picture: str | None = None) -> str:
    """Write words and what is seen with them as one string."""
    if not picture:
        return words
    return f"{words} (picture: {picture})" if words else f"(picture: {picture})"


@dataclass(frozen=True)
class Content:
    """One item as the judge sees it."""

    item: Item
    passages: tuple[Passage, ...]
    signals: tuple[tuple[int, Finding], ...] = ()
    """Findings of picture detectors with the part that each is in."""
    errors: tuple[str, ...] = ()
    """What could not be read."""
    look: Callable[[], Sequence[Picture]] = field(default=tuple, compare=False)
    """Decodes the pictures, for models that see; called only by these."""

    @property
    def unseen(self) -> bool:
        """Whether there are pictures or clips of which nobody says what they show."""
        looks = any(part.type in {"image", "video"} for part in self.item.parts)
        return looks and not any(evidence.kind == "caption" for p in self.passages for evidence in p.evidence)


def content_of(
    item: Item,
    segments: Iterable[Segment],
    readings: Iterable[Reading],
    look: Callable[[], Sequence[Picture]] = tuple,
) -> Content:
    """Put together what is known of an item: its own texts, the segments read from it, the signals of detectors."""
    readings = list(readings)
    places = sorted(_places(item, segments), key=lambda place: (_ORDER[place.kind], place.part))
    described = [place for place in places if place.kind == "caption"]
    spoken = [place for place in places if place.kind != "caption"]
    signals = [(r.part, found) for r in readings if r.kind == "nudity" for found in r.findings]
    errors = [f"{r.kind} of part {r.part}: {r.error}" for r in readings if r.error]
    return Content(item, tuple(_passages(spoken, described)), tuple(signals), tuple(errors), look)


def _places(item: Item, segments: Iterable[Segment]) -> Iterator[Span]:
    """Yield every text of the item with its place. Texts that came with it are taken from the item itself."""
    for number, part in enumerate(item.parts):
        if isinstance(part, Text) and part.text.strip():
            kind = "caption" if (part.name or "").lower() in DESCRIBING else "body"
            yield Span(part=number, kind=kind, text=part.text.strip())
        elif isinstance(part, Table):
            rows = ("; ".join(f"{c}: {v}" for c, v in zip(part.columns, row, strict=True) if v) for row in part.rows)
            yield from (Span(part=number, kind="table", text=row) for row in rows if row)
    for segment in segments:
        if segment.kind in {"ocr", "speech", "caption"} and segment.text.strip():
            yield Span(
                part=segment.part,
                kind=segment.kind,
                text=segment.text.strip(),
                box=segment.box,
                start=segment.start,
                end=segment.end,
            )


def _passages(spoken: Sequence[Span], described: Sequence[Span]) -> Iterator[Passage]:
    """Each text by itself, what is said as a whole, and the whole with each description of a picture."""
    for place in (*spoken, *described):
        for piece in windows(place.text):
            words, shows = ("", piece) if place.kind == "caption" else (piece, None)
            yield Passage(words, (place.model_copy(update={"text": piece}),), shows)
    whole, places = _whole([place for place in spoken if place.kind != "table"])
    if len(places) > 1:
        yield Passage(whole, places)
    for picture in described:
        if whole and picture.text not in whole:
            yield Passage(whole, (*places, picture), picture.text[:WINDOW])


def _whole(places: Sequence[Span]) -> tuple[str, tuple[Span, ...]]:
    """Join texts up to the length of a passage; a text that another one contains is not said twice."""
    chosen: list[Span] = []
    for place in places:
        if any(place.text.casefold() in other.text.casefold() for other in chosen):
            continue
        if chosen and sum(len(other.text) + 1 for other in chosen) + len(place.text) > WINDOW:
            break
        chosen.append(place)
    return " ".join(place.text for place in chosen)[:WINDOW], tuple(chosen)


def windows(text: str, most: int = WINDOW) -> list[str]:
    """Cut a text at the ends of sentences into pieces of at most `most` characters, in order, nothing left out."""
    pieces: list[str] = []
    for sentence in (piece for piece in _SENTENCE.split(text) if piece.strip()):
        for start in range(0, len(sentence), most):
            part = sentence[start : start + most].strip()
            if pieces and len(pieces[-1]) + 1 + len(part) <= most:
                pieces[-1] = f"{pieces[-1]} {part}"
            elif part:
                pieces.append(part)
    return pieces
