"""Passages of posts, and their numbers: the same words in several posts are one passage with several citations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alciato.ask.reply import Citation
from alciato.item import Item, Span
from alciato.read.blocks import union
from alciato.read.content import Content
from alciato.read.sentences import sentences

TOGETHER = 200
"""Characters of the blocks of one picture that are quoted together, and of what is said or described that is quoted
whole; a page's paragraphs stay apart."""


@dataclass(frozen=True)
class Passage:
    """A sentence of a post, and the places where it stands: items and spans. Each span's text is the sentence there."""

    text: str
    places: tuple[tuple[Item, Span], ...]


@dataclass
class Numbering:
    """Gives each place that is cited its number, in the order of citing."""

    citations: list[Citation] = field(default_factory=list)

    def cite(self, passage: Passage) -> tuple[int, ...]:
        """Give the numbers of the passage, one for each place where it stands."""
        return tuple(self._number(item, span) for item, span in passage.places)

    def _number(self, item: Item, span: Span) -> int:
        for citation in self.citations:
            if citation.item == item.id and citation.span == span:
                return citation.number
        told = {name: value for name in ("author", "created_at") if isinstance(value := item.metadata.get(name), str)}
        number = len(self.citations) + 1
        self.citations.append(Citation(number=number, item=item.id, span=span, source=item.source, **told))
        return number


def passages(contents: Iterable[Content]) -> list[Passage]:
    """Cut the texts of items into sentences, in order; the same words, whatever their capitals, become one passage.

    Blocks of words on one picture are one passage: a meme says half above and half below.
    """
    holders: dict[str, list[tuple[Item, Span]]] = {}
    for content in contents:
        for span in _pictures_joined(content.texts):
            for sentence in quotations(span):
                places = holders.setdefault(_spelled(sentence), [])
                if all(content.item.id != item.id for item, _ in places):
                    places.append((content.item, span.model_copy(update={"text": sentence})))
    return [Passage(places[0][1].text, tuple(places)) for spelled, places in holders.items() if spelled]


def quotations(span: Span) -> Sequence[str]:
    """Cut a body, and what is long on a picture or in speech, into sentences; leave rows and what is short whole."""
    whole = span.kind == "table" or (span.kind != "body" and len(span.text) <= TOGETHER)
    return [_one_line(part) for part in ([span.text] if whole else sentences(span.text))]


def repeats(passage: Passage, others: Iterable[Passage]) -> bool:
    """Whether the passage contains one of the others, or is contained in one."""
    spelled = _spelled(passage.text)
    return any(spelled in other or other in spelled for other in (_spelled(one.text) for one in others))


def _pictures_joined(spans: Iterable[Span]) -> Iterable[Span]:
    """The first block of words of each picture or frame stands for all of them, with the box around them."""
    joined: dict[object, Span] = {}
    for number, span in enumerate(spans):
        place = (span.part, span.start) if span.kind == "ocr" else number
        before = joined.get(place)
        if before is not None and span.text in before.text:
            continue
        if before is not None and len(before.text) + len(span.text) < TOGETHER:
            boxes = [box for box in (before.box, span.box) if box is not None]
            update = {"text": f"{before.text} {span.text}", "box": union(boxes) if boxes else None}
            joined[place] = before.model_copy(update=update)
        else:
            joined[place if before is None else number] = span
    return joined.values()


def _spelled(text: str) -> str:
    """Its letters and digits alone, in small letters."""
    return "".join(re.findall(r"\w", text.casefold()))


def _one_line(text: str) -> str:
    """On one line, without the marks of Markdown before it."""
    return " ".join(text.split()).lstrip("#>*- ").strip()
