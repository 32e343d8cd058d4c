"""What the report shows of one post: its texts and pictures with the evidence marked, scores, reasons.

Evidence is numbered once for the whole card: the same number stands at the marked words, at the boxes on the picture,
and in the reason in place of the quoted words, so that each text is shown once.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import NamedTuple

from alciato.errors import BadMedia
from alciato.item import Box, Image, Item, Span, Table, Text, Verdict, Video
from alciato.item.verdict import Decision
from alciato.judge.decide import decision_for
from alciato.judge.policy import Policy
from alciato.models import Picture
from alciato.read.content import Content
from alciato.read.segments import said_once
from alciato.report.heat import HeatMap, heat_over

SIDE, BYTES = 640, 40_000
"""Longest side of a thumbnail in pixels, and its size in bytes, at most."""
MOST_TEXT = 1500
MOST_LINES = 40
MOST_FRAMES = 3
QUOTED = 119
"""Letters of a text that a reason quotes at most; longer ones end in an ellipsis there."""


class Piece(NamedTuple):
    """A stretch of text, with the numbers of the evidence that it is; none for other text."""

    text: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class EvidenceBox:
    """A box on a picture, in its pixels, with the number of the evidence that it belongs to."""

    number: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class PictureView:
    """A picture or a frame as the report shows it: `data` is a JPEG data URI, or None where it cannot be shown."""

    data: str | None
    alt: str
    width: int
    height: int
    boxes: tuple[EvidenceBox, ...] = ()
    second: float | None = None
    problem: str | None = None
    part: int = 0
    heat: HeatMap | None = None

    @property
    def badge(self) -> float:
        """Radius of the number at a box, in pixels of the picture: the same on the page whatever the picture's size."""
        return round(0.032 * max(self.width, self.height), 1)

    @property
    def badges(self) -> dict[int, tuple[float, float]]:
        """Centre of each number: beside or below the first box that it has, at its corner where there is no room."""
        return {box.number: self._beside(box) for box in reversed(self.boxes)}

    def _beside(self, box: EvidenceBox) -> tuple[float, float]:
        size, away = self.badge, 1.35 * self.badge
        y = _within(box.top + box.height / 2, size, self.height - size)
        if box.left >= away + size:
            return round(box.left - away, 1), y
        if box.left + box.width + away + size <= self.width:
            return round(box.left + box.width + away, 1), y
        if box.top + box.height + away + size <= self.height:
            return _within(box.left, size, self.width - size), round(box.top + box.height + away, 1)
        return _within(box.left, size, self.width - size), _within(box.top, size, self.height - size)


@dataclass(frozen=True)
class ScoreBar:
    """One bar: score and thresholds in per cent."""

    id: str
    title: str
    value: float
    percent: float
    review: float
    remove: float
    decision: Decision


@dataclass(frozen=True)
class ShownText:
    """A text of the post, where it stands (in several places, if it is said in several), and when it is said."""

    where: tuple[str, ...]
    pieces: tuple[Piece, ...]
    second: float | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the evidence in it."""
        return tuple(number for piece in self.pieces for number in piece.numbers)


@dataclass(frozen=True)
class PostCard:
    """All that is shown of one post."""

    verdict: Verdict
    name: str
    folder: str
    reasons: tuple[tuple[Piece, ...], ...]
    scores: tuple[ScoreBar, ...]
    categories: tuple[str, ...]
    views: tuple[PictureView, ...]
    texts: tuple[ShownText, ...]
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The decision, or `unjudged`."""
        return self.verdict.decision if self.verdict.scores else "unjudged"


def card_of(verdict: Verdict, content: Content, policy: Policy) -> PostCard:
    """Put together what is shown of one post. A picture that cannot be decoded is named with its reason."""
    source = PurePath(verdict.source) if verdict.source else None
    scores = tuple(sorted(_scores(verdict, policy), key=lambda score: -score.value))
    numbered = _numbered(verdict.evidence)
    return PostCard(
        verdict=verdict,
        name=source.name if source else content.item.id,
        folder=str(source.parent) if source else "",
        reasons=tuple(referring(reason, numbered) for reason in verdict.reasons),
        scores=scores,
        categories=tuple(score.id for score in scores if score.decision != "allow"),
        views=tuple(_views(content, numbered)),
        texts=tuple(_texts(content, numbered)),
        details=dict(_details(content, source)),
    )


def _scores(verdict: Verdict, policy: Policy) -> list[ScoreBar]:
    return [
        ScoreBar(
            id=category.id,
            title=category.title,
            value=value,
            percent=round(100 * value, 1),
            review=100 * category.thresholds.review,
            remove=100 * category.thresholds.remove,
            decision=decision_for(category, value),
        )
        for category in policy.categories
        if (value := verdict.scores.get(category.id)) is not None
    ]


def _details(content: Content, source: PurePath | None) -> Iterator[tuple[str, str]]:
    """Yield the metadata, but for what is shown anyway: texts of the post, its file and folder."""
    shown = {_letters(span.text) for span in content.texts}
    shown |= {_letters(text) for text in (str(source), source.name)} if source else set()
    for key, value in content.item.metadata.items():
        if value not in (None, "") and (not _letters(str(value)) or _letters(str(value)) not in shown):
            yield key, str(value)[:200]


# Evidence: numbers, words, boxes


class Numbered(NamedTuple):
    """A piece of evidence and its number."""

    number: int
    place: Span


def _numbered(evidence: Sequence[Span]) -> list[Numbered]:
    """Number the evidence from 1; a text that stands in the post twice has one number."""
    numbers: dict[object, int] = {}
    return [Numbered(numbers.setdefault(_letters(place.text) or place, len(numbers) + 1), place) for place in evidence]


def _letters(text: str) -> str:
    """Letters and digits alone, in one case: what two writings of the same words have in common."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def referring(reason: str, numbered: Sequence[Numbered]) -> tuple[Piece, ...]:
    """Put numbers in place of the evidence that a reason quotes: in the last quotation of each, nearest the end.

    An earlier one may be an example of the policy in the same words, which the reader should see.
    """
    cuts: dict[int, tuple[int, int]] = {}
    for number, place in sorted(numbered, key=lambda one: -len(one.place.text)):
        for quoted in (f"“{place.text}”", f"“{place.text[:QUOTED]}…”"):
            start = reason.rfind(quoted) if place.text else -1
            end = start + len(quoted)
            if start >= 0 and not any(start < other and at < end for at, (other, _) in cuts.items()):
                cuts[start] = (end, number)
                break
    pieces, done = [], 0
    for start, (end, number) in sorted(cuts.items()):
        pieces += [Piece(_glued(reason[done:start])), Piece("", (number,))]
        done = end
    return tuple(piece for piece in (*pieces, Piece(reason[done:])) if piece.text or piece.numbers)


def _glued(text: str) -> str:
    """Replace a space at the end, so that no line begins with the number that follows."""
    return f"{text[:-1]}\N{NO-BREAK SPACE}" if text.endswith(" ") else text


def marked(text: str, numbered: Sequence[Numbered]) -> tuple[Piece, ...]:
    """Cut a text where evidence begins and ends; pieces of evidence that overlap are one. Long texts are cut short."""
    shown = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    marks: list[tuple[int, int, tuple[int, ...]]] = []
    for start, end, number in sorted((*_found(shown, one.place.text), one.number) for one in numbered):
        if end == 0:
            continue
        if marks and start < marks[-1][1]:
            first, last, numbers = marks[-1]
            marks[-1] = (first, max(last, end), tuple(dict.fromkeys((*numbers, number))))
        else:
            marks.append((start, end, (number,)))
    pieces, done = [], 0
    for start, end, numbers in marks:
        pieces += [Piece(shown[done:start]), Piece(shown[start:end], numbers)]
        done = end
    return tuple(piece for piece in (*pieces, Piece(shown[done:])) if piece.text)


def _found(text: str, words: str) -> tuple[int, int]:
    """Where words begin and end in a text, whatever their case and white space; (0, 0) if they are not in it."""
    found = re.search(r"\s+".join(re.escape(word) for word in words.split()), text, re.IGNORECASE)
    return found.span() if found else (0, 0)


_WHERE = {
    "body": "text",
    "ocr": "on the picture",
    "speech": "said",
    "caption": "description",
    "table": "table",
    "nudity": "detected",
}


def _texts(content: Content, numbered: Sequence[Numbered]) -> list[ShownText]:
    """Give each text once with all places where it stands, then the evidence that stands in none of them."""
    said = _said_once(content)
    texts = [
        ShownText(tuple(dict.fromkeys(_where(one, content.item) for one in spans)), marked(first.text, numbered), start)
        for spans in said
        for first, start in [(spans[0], spans[0].start)]
    ]
    there = {number for text in texts for number in text.numbers}
    for number, place in numbered:
        if number not in there and place.text:
            there.add(number)
            words = place.text.replace("_", " ").lower() if place.kind == "nudity" else place.text
            texts.append(ShownText((_where(place, content.item),), (Piece(words, (number,)),), place.start))
    if len(texts) > MOST_LINES:  # what the verdict rests on is never left out
        chosen = sorted(texts, key=lambda text: not text.numbers)[:MOST_LINES]
        texts = [text for text in texts if any(text is one for one in chosen)]
    return texts


def _spans(content: Content) -> Iterator[Span]:
    """Yield the texts; of a table its columns and the number of its rows: a row is shown where it is evidence."""
    for number, part in enumerate(content.item.parts):
        if isinstance(part, Table):
            columns = " · ".join(part.columns)
            yield Span(part=number, kind="table", text=f"{columns} ({len(part.rows)} rows)")
    yield from (span for span in content.texts if span.kind != "table")


def _said_once(content: Content) -> list[list[Span]]:
    """Group the texts that say the same, in their order: the same letters, or a block of one picture's words."""
    groups: list[list[Span]] = []
    by_letters: dict[str, list[Span]] = {}
    on_pictures: dict[tuple[int, float | None], list[tuple[str, list[Span]]]] = {}
    for span in _spans(content):
        letters, words = _letters(span.text) or span.text, f" {' '.join(span.text.casefold().split())} "
        same = by_letters.get(letters)
        picture = on_pictures.setdefault((span.part, span.start), []) if span.kind == "ocr" else []
        if same is None:
            same = next((group for whole, group in picture if words in whole), None)
        if same is None:
            same = []
            groups.append(same)
        same.append(span)
        by_letters.setdefault(letters, same)
        picture.append((words, same))
    return groups


def _where(span: Span, item: Item) -> str:
    part = item.parts[span.part] if span.part < len(item.parts) else None
    if isinstance(part, Text):
        return "alternative text" if span.kind == "caption" else part.name or _WHERE["body"]
    return "described by a model" if span.kind == "caption" else _WHERE.get(span.kind, span.kind)


# Pictures


def _views(content: Content, numbered: Sequence[Numbered]) -> Iterator[PictureView]:
    boxes = [one for evidence in numbered for one in _boxes(content, *evidence)]
    looks = [reading for reading in content.readings if reading.kind == "meme"]
    for number, part in content.item.media():
        if not isinstance(part, Image | Video):
            continue
        alt = _alt(content, number)
        for second in _seconds(boxes, number) if isinstance(part, Video) else [None]:
            inside = (_clamped(box, part.width, part.height) for box in boxes if box.is_at(number, second))
            data, problem = _thumbnail(content, number, second)
            yield PictureView(
                data,
                alt,
                part.width,
                part.height,
                tuple(dict.fromkeys(box for box in inside if box is not None)),
                second,
                problem,
                part=number,
                heat=heat_over(looks, number, second, part.width, part.height),
            )


class PlacedBox(NamedTuple):
    """A box with the number of its evidence, the part it lies on, and in a clip the second."""

    number: int
    part: int
    start: float | None
    box: Box | None

    def is_at(self, part: int, second: float | None) -> bool:
        """Whether it lies on the picture of a part, or on the frame of a clip at a second."""
        return self.part == part and (second is None or self.start in {None, second})


def _boxes(content: Content, number: int, place: Span) -> Iterator[PlacedBox]:
    """Yield the boxes of evidence: of words on a picture one for each line, so that a box is as tight as it was read.

    A text that is also written on the picture has its boxes there. Evidence of a clip without a box has its second.
    """
    if place.box is None and (letters := _letters(place.text)):
        written = (span for span in content.texts if span.kind == "ocr" and span.box)
        place = next((span for span in written if _letters(span.text) == letters), place)
    lines = [
        finding.box
        for part, finding in content.findings("ocr")
        if part == place.part
        and finding.box
        and finding.start == place.start
        and (letters := _letters(finding.text or ""))
        and letters in _letters(place.text)
        and (place.box is None or _holds(place.box, finding.box))
    ]
    for box in lines if place.kind == "ocr" and lines else [place.box]:
        if box or place.start is not None:
            yield PlacedBox(number, place.part, place.start, box)


def _holds(outer: Box, inner: Box) -> bool:
    """Whether the middle of a box lies in another."""
    x, y = (inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom


def _clamped(placed: PlacedBox, width: int, height: int) -> EvidenceBox | None:
    """Cut a box at the edges of its picture; None where nothing of it is left."""
    if placed.box is None:
        return None
    left, top = _within(placed.box.left, 0, width), _within(placed.box.top, 0, height)
    right, bottom = _within(placed.box.right, 0, width), _within(placed.box.bottom, 0, height)
    if right <= left or bottom <= top:
        return None
    return EvidenceBox(placed.number, left, top, right - left, bottom - top)


def _within(value: float, least: float, most: float) -> float:
    return round(max(least, min(value, most)), 1)


def _seconds(boxes: Sequence[PlacedBox], part: int) -> list[float]:
    """The seconds of a clip that the verdict rests on; its beginning where it rests on none."""
    starts = sorted({box.start for box in boxes if box.part == part and box.start is not None})
    return starts[:MOST_FRAMES] or [0.0]


def _thumbnail(content: Content, part: int, second: float | None) -> tuple[str | None, str | None]:
    """Give a data URI, or None and why not."""
    try:
        picture = content.frame(part, second or 0.0, SIDE).picture
    except BadMedia as error:
        return None, str(error)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(picture)).decode()}", None


def jpeg(picture: Picture, most: int = BYTES) -> bytes:
    """Write a picture as JPEG of at most `most` bytes, smaller and coarser until it fits; no metadata goes along."""
    side = max(picture.size)
    while True:
        for quality in (80, 65, 50):
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality, optimize=True, exif=b"", icc_profile=None)
            if buffer.tell() <= most or (side <= 64 and quality == 50):
                return buffer.getvalue()
        side = int(side * 0.75)
        picture = picture.copy()
        picture.thumbnail((side, side))


def _alt(content: Content, part: int) -> str:
    """What a picture shows, for those who do not see it: a description if there is one, else the words on it."""
    parts = content.item.parts
    told = [one.text for one in content.descriptions if one.part == part or isinstance(parts[one.part], Text)]
    if told:
        return told[0][:300]
    words = " ".join(said_once(span.text for span in content.texts if span.kind == "ocr" and span.part == part))
    return f"Picture with the words: {words[:280]}" if words else "Picture; no words were read on it"
