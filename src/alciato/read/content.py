"""`Content`: all that is known of an item; `contents_of` gives those of a collection's items.

`PartContent` is one part of an item on its way through the readers, decoded once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from PIL import Image as Pictures

from alciato.errors import BadMedia
from alciato.item import Finding, Image, Item, Media, Part, Reading, Segment, Span, Table, Text, Video
from alciato.media.audio import Samples, sound
from alciato.media.frames import KeyFrame, key_frames, sampled_frames
from alciato.media.pictures import decode_picture
from alciato.settings import Limits

if TYPE_CHECKING:
    from alciato.store import Collection


class View(NamedTuple):
    """A picture to look at: the still picture itself, or a key frame with its times in seconds."""

    picture: Pictures.Image
    second: float | None = None
    start: float | None = None
    end: float | None = None
    part: int = 0


class PartContent:
    """A part, its bytes, and what has been found in it so far, by kind of reading."""

    def __init__(self, part: Part, fetch: Callable[[str], bytes], limits: Limits) -> None:
        self.part = part
        self.limits = limits
        self.found: dict[str, tuple[Finding, ...]] = {}
        self._fetch = fetch

    @cached_property
    def data(self) -> bytes:
        """Bytes of the medium. Raises `BadMedia`: `missing`, or not a medium at all."""
        if not isinstance(self.part, Media):
            raise BadMedia("no-medium", f"a {self.part.type} has no bytes.")
        return self._fetch(self.part.media)

    @cached_property
    def views(self) -> list[View]:
        """The picture, or the key frames of a clip; none for other parts. Raises `BadMedia`."""
        if isinstance(self.part, Image):
            return [View(decode_picture(self.data, self.limits))]
        return [View(frame.picture, frame.second, frame.start, frame.end) for frame in self.key_frames]

    @cached_property
    def key_frames(self) -> list[KeyFrame]:
        """One frame for each shot of a clip. Raises `BadMedia`."""
        if not isinstance(self.part, Video):
            return []
        return list(key_frames(self.data, self.part.mime, self.limits))

    def sound(self) -> Iterator[Samples]:
        """Yield the sound in chunks, mono, 16 kHz. Raises `BadMedia`."""
        return sound(self.data, self.limits)

    @property
    def text(self) -> str:
        """The words that came as text: a body, or the cells of a table."""
        if isinstance(self.part, Text):
            return self.part.text
        return table_text(self.part) if isinstance(self.part, Table) else ""


def table_text(table: Table) -> str:
    """A table as words: each row with its column names, so that a row can be found and read alone."""
    title = [table.name] if table.name else []
    return "\n".join([*title, *table_rows(table)])


def table_rows(table: Table) -> Iterator[str]:
    """Yield each row as `column: cell, …`; empty cells are left out."""
    for row in table.rows:
        yield ", ".join(f"{column}: {c}" for column, c in zip(table.columns, row, strict=True) if c is not None)


DESCRIPTIONS = frozenset({"alt", "alt text", "alt_text"})
"""Names of text parts that describe a picture. A `caption` is what the author wrote under it, so it is not one."""


def kind_of_text(part: Text) -> str:
    """Kind of a text that came with an item: `caption` where it describes a picture, else `body`."""
    return "caption" if (part.name or "").strip().lower() in DESCRIPTIONS else "body"


TEXT_KINDS = ("body", "ocr", "speech", "table", "caption")
"""Kinds of text of an item, in the order in which `Content.texts` gives them; `caption` is a description."""


def fetching(here: Mapping[str, bytes], further: Callable[[str], bytes] | None = None) -> Callable[[str], bytes]:
    """Fetch media by hash from what is here, then from further away. What is nowhere raises `BadMedia`: missing."""

    def fetch(sha: str) -> bytes:
        if sha in here:
            return here[sha]
        if further is None:
            raise BadMedia("missing", f"the bytes of the medium {sha} are missing.")
        return further(sha)

    return fetch


@dataclass(frozen=True)
class Content:
    """All that is known of one item: its parts, what was read from them, and its media, decoded on request.

    Judging, training, asking and reports see an item through this type, so that a model is served what it was
    trained on: the respaced text of pictures, each text with its place, the same decoded pictures.
    """

    item: Item
    segments: tuple[Segment, ...] = ()
    readings: tuple[Reading, ...] = ()
    fetch: Callable[[str], bytes] = field(default=fetching({}), compare=False, repr=False)
    """From the hash of a medium to its bytes. Raises `BadMedia`."""
    limits: Limits = field(default_factory=Limits, compare=False, repr=False)

    @cached_property
    def texts(self) -> tuple[Span, ...]:
        """Every text with its place: bodies, words on pictures, speech, rows of tables, descriptions of pictures."""
        return tuple(sorted(self._texts(), key=lambda span: (TEXT_KINDS.index(span.kind), span.part)))

    @property
    def words(self) -> tuple[Span, ...]:
        """The texts that the item itself says: all but the descriptions of its pictures."""
        return tuple(span for span in self.texts if span.kind != "caption")

    @property
    def descriptions(self) -> tuple[Span, ...]:
        """What its pictures show, in words: alternative texts that came with it, and those of a captioner."""
        return tuple(span for span in self.texts if span.kind == "caption")

    @property
    def body(self) -> str:
        """Its text parts, a line each; empty if there is none."""
        return "\n".join(p.text for p in self.item.parts if isinstance(p, Text) and p.text.strip())

    @property
    def words_on_pictures(self) -> str:
        """The words read on its pictures, respaced, a line for each block, nothing twice; empty if there is none."""
        from alciato.read.segments import said_once

        return "\n".join(said_once(span.text for span in self.texts if span.kind == "ocr"))

    @property
    def undescribed(self) -> bool:
        """Whether there are pictures or clips of which nobody says what they show."""
        return not self.descriptions and any(part.type in {"image", "video"} for part in self.item.parts)

    @property
    def errors(self) -> tuple[Reading, ...]:
        """Readings that failed."""
        return tuple(reading for reading in self.readings if reading.error)

    def findings(self, kind: str) -> tuple[tuple[int, Finding], ...]:
        """Give what the readings of a kind found, each with its part."""
        return tuple((r.part, found) for r in self.readings if r.kind == kind for found in r.findings)

    def unread(self, kinds: Iterable[str]) -> list[tuple[int, str]]:
        """List part and kind of the readings, of these kinds, that should be there and are not."""
        there = {(reading.part, reading.kind) for reading in self.readings}
        wanted = frozenset(kinds)
        return [
            (number, kind)
            for number, part in enumerate(self.item.parts)
            for kind in _KINDS_OF.get(part.type, ())
            if kind in wanted and (number, kind) not in there
        ]

    def picture(self, part: int, side: int | None = None) -> View:
        """Decode the picture of a part, upright, RGB on white, at most `side` pixels wide and high.

        Of a clip it is the first frame. Raises `BadMedia`.
        """
        return self.frame(part, 0.0, side)

    def frame(self, part: int, second: float, side: int | None = None) -> View:
        """Decode the picture of a part, or about the frame that a clip shows at a second. Raises `BadMedia`."""
        medium = self._medium(part)
        data = self.fetch(medium.media)
        if isinstance(medium, Image):
            picture = decode_picture(data, self.limits)
            if side is not None:
                picture.thumbnail((side, side))
            return View(picture, part=part)
        shown = None
        for frame in sampled_frames(data, medium.mime, self.limits, longest=side or _LARGE):
            if shown is not None and frame.second > second:
                break
            shown = frame
            if frame.second > second - _EARLY:
                break
        if shown is None:
            raise BadMedia("broken", "no frame of the clip can be decoded.")
        return View(shown.picture, second=shown.second, part=part)

    def views(self, most: int = 4, side: int = 896) -> list[View]:
        """Decode its pictures and, of each clip, key frames, at most `most` in all. Raises `BadMedia`.

        Pictures come first; the room that they leave is shared by the clips.
        """
        pictures = [n for n, part in self.item.media() if isinstance(part, Image)][:most]
        clips = [n for n, part in self.item.media() if isinstance(part, Video)][: most - len(pictures)]
        views = [self.picture(number, side) for number in pictures]
        for place, number in enumerate(clips):
            views += self.clip(number, (most - len(views)) // (len(clips) - place), side)
        return sorted(views, key=lambda view: (view.part, view.second or 0.0))

    def clip(self, part: int, most: int, side: int = 896) -> list[View]:
        """Decode key frames of a clip, one for each shot, at most `most`, evenly chosen. Raises `BadMedia`."""
        medium = self._medium(part)
        frames = list(key_frames(self.fetch(medium.media), medium.mime, self.limits))
        step = max(1.0, len(frames) / most)
        views = []
        for frame in [frames[int(k * step)] for k in range(min(most, len(frames)))]:
            frame.picture.thumbnail((side, side))
            views.append(View(frame.picture, frame.second, frame.start, frame.end, part))
        return views

    def sound(self, part: int) -> Iterator[Samples]:
        """Yield the sound of a clip or recording in chunks, mono, 16 kHz. Raises `BadMedia`."""
        return sound(self.fetch(self._medium(part).media), self.limits)

    def _medium(self, part: int) -> Media:
        medium = self.item.parts[part]
        if not isinstance(medium, Media):
            raise BadMedia("no-medium", f"part {part}, a {medium.type}, has no bytes.")
        return medium

    def _texts(self) -> Iterator[Span]:
        """Texts that came with the item are taken from the item itself, those that were read from the segments."""
        for number, part in enumerate(self.item.parts):
            if isinstance(part, Text) and part.text.strip():
                yield Span(part=number, kind=kind_of_text(part), text=part.text.strip())
            elif isinstance(part, Table):
                rows = table_rows(part)
                yield from (Span(part=number, kind="table", text=row) for row in rows if row)
        own = {number for number, part in enumerate(self.item.parts) if isinstance(part, Text)}
        for segment in self.segments:
            read = segment.kind in {"ocr", "speech"} or (segment.kind == "caption" and segment.part not in own)
            if read and segment.text.strip():
                yield Span(text=segment.text.strip(), **segment.model_dump(include=_PLACE))


_PLACE = {"part", "kind", "box", "start", "end"}
_KINDS_OF = {"image": ("ocr", "nudity"), "video": ("ocr", "speech", "nudity"), "audio": ("speech",)}
"""Readings of each type of part that a judgement can rest on."""
_EARLY = 0.2
"""Seconds by which a frame may come before the one that is asked for."""
_LARGE = 1280
"""Longest side of a frame where none is asked for."""


def contents_of(collection: Collection, ids: Sequence[str], limits: Limits | None = None) -> list[Content]:
    """Give the contents of some items of a collection, in the order of the ids; unknown ones are left out.

    Media are fetched when they are asked for.
    """
    segments = _by_item(collection.segments(ids))
    readings = _by_item(collection.readings(ids))
    return [
        Content(
            item,
            tuple(segments.get(item.id, ())),
            tuple(readings.get(item.id, ())),
            collection.media,
            limits or Limits(),
        )
        for item in collection.items(ids)
    ]


Named = TypeVar("Named", Segment, Reading)


def _by_item(found: Iterable[Named]) -> dict[str, list[Named]]:
    grouped: dict[str, list[Named]] = {}
    for one in found:
        grouped.setdefault(one.item, []).append(one)
    return grouped
