"""What the report shows of one item: its words with the decisive ones marked, pictures with boxes, scores, reasons."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from alciato.errors import BadMedia
from alciato.item import Image, Item, Reading, Segment, Span, Table, Text, Verdict, Video
from alciato.item.verdict import Decision
from alciato.judge.decide import decision_for
from alciato.judge.policy import Policy
from alciato.models import Picture
from alciato.read.content import DESCRIPTIONS, Content
from alciato.read.segments import said_once
from alciato.report.heat import Heat, heat_over
from alciato.settings import Limits

SIDE, BYTES = 640, 40_000
"""Longest side of a thumbnail in pixels, and its size in bytes, at most."""
MOST_TEXT = 1500
MOST_LINES = 40
MOST_FRAMES = 3

Piece = tuple[str, bool]
"""A stretch of text, and whether the verdict rests on it."""


@dataclass(frozen=True)
class Mark:
    """A box on a picture, in its pixels, with the number of the evidence that it belongs to."""

    number: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class View:
    """A picture or a frame as the report shows it: `data` is a JPEG data URI, or None where it cannot be shown."""

    data: str | None
    alt: str
    width: int
    height: int
    marks: tuple[Mark, ...] = ()
    second: float | None = None
    problem: str | None = None
    part: int = 0
    heat: Heat | None = None


@dataclass(frozen=True)
class Score:
    """One bar: score and thresholds in per cent."""

    id: str
    title: str
    value: float
    percent: float
    review: float
    remove: float
    decision: Decision


@dataclass(frozen=True)
class Saying:
    """Words with their place: a line of speech, of a picture, of a table, or a text."""

    where: str
    pieces: tuple[Piece, ...]
    second: float | None = None


@dataclass(frozen=True)
class Card:
    """All that is shown of one item."""

    verdict: Verdict
    name: str
    folder: str
    scores: tuple[Score, ...]
    categories: tuple[str, ...]
    views: tuple[View, ...]
    sayings: tuple[Saying, ...]
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The decision, or `unjudged`."""
        return self.verdict.decision if self.verdict.scores else "unjudged"


def card_of(
    verdict: Verdict,
    item: Item,
    segments: Sequence[Segment],
    media: Mapping[str, bytes],
    policy: Policy,
    limits: Limits,
    looks: Sequence[Reading] = (),
) -> Card:
    """Put together what is shown of one item. A picture that cannot be decoded is named with its reason.

    `looks` are its readings by a meme detector.
    """
    source = PurePath(verdict.source) if verdict.source else None
    scores = tuple(sorted(_scores(verdict, policy), key=lambda score: -score.value))
    return Card(
        verdict=verdict,
        name=source.name if source else item.id,
        folder=str(source.parent) if source else "",
        scores=scores,
        categories=tuple(score.id for score in scores if score.decision != "allow"),
        views=tuple(_with_heat(view, looks) for view in _views(verdict, item, segments, media, limits)),
        sayings=tuple(_sayings(verdict, item, segments)),
        details={key: str(value)[:200] for key, value in item.metadata.items() if value not in (None, "")},
    )


def _scores(verdict: Verdict, policy: Policy) -> list[Score]:
    return [
        Score(
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


def _views(
    verdict: Verdict, item: Item, segments: Sequence[Segment], media: Mapping[str, bytes], limits: Limits
) -> list[View]:
    found = []
    content = Content(item, fetch=_fetching(media), limits=limits)
    for number, part in item.media():
        if not isinstance(part, Image | Video):
            continue
        alt = _alt(item, [segment for segment in segments if segment.part == number])
        for second in _seconds(verdict, number) if isinstance(part, Video) else [None]:
            marks = tuple(_marks(verdict, number, second))
            data, problem = _thumbnail(content, number, second)
            found.append(View(data, alt, part.width, part.height, marks, second, problem, part=number))
    return found


def _with_heat(view: View, looks: Sequence[Reading]) -> View:
    """Lay over what a meme detector found in the same part."""
    return replace(view, heat=heat_over(looks, view.part, view.second, view.width, view.height)) if looks else view


def _seconds(verdict: Verdict, part: int) -> list[float]:
    """The seconds of a clip that the verdict rests on; its beginning where it rests on none."""
    starts = sorted({place.start for place in verdict.evidence if place.part == part and place.start is not None})
    return starts[:MOST_FRAMES] or [0.0]


def _marks(verdict: Verdict, part: int, second: float | None) -> list[Mark]:
    marks = []
    for number, place in enumerate(verdict.evidence, start=1):
        if place.part == part and place.box and (second is None or place.start in (None, second)):
            left, top, right, bottom = place.box
            marks.append(Mark(number, left, top, max(right - left, 1), max(bottom - top, 1)))
    return marks


def _thumbnail(content: Content, part: int, second: float | None) -> tuple[str | None, str | None]:
    """Give a data URI, or None and why not."""
    try:
        picture = content.frame(part, second or 0.0, SIDE).picture
    except BadMedia as error:
        return None, str(error)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(picture)).decode()}", None


def _fetching(media: Mapping[str, bytes]) -> Callable[[str], bytes]:
    def fetch(sha: str) -> bytes:
        if sha not in media:
            raise BadMedia("missing", "its bytes are missing from the collection")
        return media[sha]

    return fetch


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


def _alt(item: Item, segments: Sequence[Segment]) -> str:
    """What a picture shows, for those who do not see it: a description if there is one, else the words on it."""
    told = [part.text for part in item.parts if isinstance(part, Text) and (part.name or "").lower() in DESCRIPTIONS]
    told += [segment.text for segment in segments if segment.kind == "caption"]
    words = " ".join(said_once(segment.text for segment in segments if segment.kind == "ocr"))
    if told:
        return told[0][:300]
    return f"Picture with the words: {words[:280]}" if words else "Picture; no words were read on it"


_WHERE = {"ocr": "on the picture", "speech": "said", "caption": "seen by a model"}


def _sayings(verdict: Verdict, item: Item, segments: Sequence[Segment]) -> list[Saying]:
    said = []
    for number, part in enumerate(item.parts):
        places = [place for place in verdict.evidence if place.part == number]
        if isinstance(part, Text) and part.text.strip():
            said.append(Saying(part.name or "text", marked(part.text.strip(), places)))
        elif isinstance(part, Table):
            header = " · ".join(part.columns)
            text = f"{header} ({len(part.rows)} rows)"
            said.append(Saying("table", marked(text, [])))
            said += [Saying("row", ((place.text, True),)) for place in places if place.kind == "table"]
    for segment in sorted(segments, key=lambda segment: (segment.part, segment.start or 0)):
        if segment.kind in _WHERE and segment.text.strip():
            places = [place for place in verdict.evidence if place.part == segment.part]
            said.append(Saying(_WHERE[segment.kind], marked(segment.text.strip(), places), segment.start))
    return said[:MOST_LINES]


def marked(text: str, places: Sequence[Span]) -> tuple[Piece, ...]:
    """Cut a text where the words that a verdict rests on begin and end; long texts are cut short."""
    shown = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    spans = sorted((at, at + len(p.text)) for p in places if p.text and (at := shown.find(p.text)) >= 0)
    pieces: list[Piece] = []
    done = 0
    for start, end in spans:
        if start > done:
            pieces.append((shown[done:start], False))
        if end > done:
            pieces.append((shown[max(start, done) : end], True))
            done = end
    return (*pieces, (shown[done:], False)) if done < len(shown) else tuple(pieces)
