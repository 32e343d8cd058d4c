"""Passages of posts, and their numbers: the same words in several posts are one passage with several citations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alciato.ask.reply import Citation
from alciato.item import Item, Segment
from alciato.read.blocks import union
from alciato.read.sentences import sentences

ROW_END = re.compile(r"\n+")
WHOLE = frozenset({"ocr", "speech", "caption"})
"""Kinds whose segments are short and hang together: they are quoted whole."""

TOGETHER = 200
"""Letters of the blocks of one picture that are quoted together; a page's paragraphs stay apart."""


@dataclass(frozen=True)
class Passage:
    """A sentence of a post, and the segments that hold it."""

    text: str
    segments: tuple[Segment, ...]


@dataclass
class Numbering:
    """Gives each place that is cited its number, in the order of citing."""

    items: Mapping[str, Item]
    citations: list[Citation] = field(default_factory=list)

    def cite(self, passage: Passage) -> tuple[int, ...]:
        """Give the numbers of the passage, one for each segment that holds it."""
        return tuple(self._number(passage.text, segment) for segment in passage.segments)

    def _number(self, text: str, segment: Segment) -> int:
        for citation in self.citations:
            if citation.segment == segment.id and citation.text == text:
                return citation.number
        metadata = self.items[segment.item].metadata
        told = {name: value for name in ("author", "created_at") if isinstance(value := metadata.get(name), str)}
        self.citations.append(
            Citation(
                number=len(self.citations) + 1,
                text=text,
                segment=segment.id,
                source=self.items[segment.item].source,
                **segment.model_dump(include={"item", "part", "kind", "box", "start", "end"}),
                **told,
            )
        )
        return len(self.citations)


def passages(segments: Iterable[Segment]) -> list[Passage]:
    """Cut segments into sentences, in order; the same words, whatever their capitals, become one passage.

    Blocks of words on one picture are one passage: a meme says half above and half below.
    """
    holders: dict[str, tuple[str, list[Segment]]] = {}
    for segment in _pictures_joined(segments):
        for sentence in quotations(segment):
            spelled = "".join(re.findall(r"\w", sentence.casefold()))
            if not spelled:
                continue
            _, held_by = holders.setdefault(spelled, (sentence, []))
            if all(segment.item != other.item for other in held_by):
                held_by.append(segment)
    return [Passage(text, tuple(held_by)) for text, held_by in holders.values()]


def quotations(segment: Segment) -> Sequence[str]:
    """Cut a body or a table into sentences and rows; leave what is short whole."""
    if segment.kind in WHOLE:
        return [_one_line(segment.text)]
    parts = ROW_END.split(segment.text) if segment.kind == "table" else sentences(segment.text)
    return [_one_line(part) for part in parts]


def _pictures_joined(segments: Iterable[Segment]) -> Iterable[Segment]:
    """The first block of words of each picture or frame stands for all of them, with the box around them."""
    joined: dict[object, Segment] = {}
    for segment in segments:
        place = (segment.item, segment.part, segment.start) if segment.kind == "ocr" else segment.id
        before = joined.get(place)
        if before is not None and segment.text in before.text:
            continue
        if before is not None and len(before.text) + len(segment.text) < TOGETHER:
            boxes = [box for box in (before.box, segment.box) if box is not None]
            update = {"text": f"{before.text} {segment.text}", "box": union(boxes) if boxes else None}
            joined[place] = before.model_copy(update=update)
        else:
            joined[place if before is None else segment.id] = segment
    return joined.values()


def _one_line(text: str) -> str:
    """On one line, without the marks of Markdown before it."""
    return " ".join(text.split()).lstrip("#>*- ").strip()
