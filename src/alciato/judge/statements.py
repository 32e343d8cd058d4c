"""Statements: the texts of an item that are judged as one each, alone, together, and with what a picture shows.

A packaged model does not see pictures. What a picture shows is known where somebody or something describes it: an
alternative text that came with the post, or the reading of a captioner. A description is paired with the words of the
post, since some posts offend only by both together. A `caption` column is what the author wrote, so it counts as text
of the post. Without a description the pair cannot be judged, and the verdict says that the picture was not seen.

Each sentence is a statement too, in a thread each line: beside benign ones an attack is outweighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alciato.item import Span
from alciato.read.content import Content
from alciato.read.segments import said_once
from alciato.read.sentences import chunks, sentences

WINDOW = 400
"""Characters of one statement at most: in longer ones a sentence is outweighed by what stands around it."""


@dataclass(frozen=True)
class Statement:
    """Words that are judged as one, and the places that they come from. `picture` describes what is seen with them.

    An `excerpt` is a sentence without those around it.
    """

    words: str
    evidence: tuple[Span, ...]
    picture: str | None = None
    excerpt: bool = False

    @property
    def text(self) -> str:
        """The statement as one string: the form in which examples of a policy are written, too."""
        return paired(self.words, self.picture)


def paired(words: str, picture: str | None = None) -> str:
    """Write words and what is seen with them as one string."""
    if not picture:
        return words
    return f"{words} (picture: {picture})" if words else f"(picture: {picture})"


def statements_of(content: Content) -> list[Statement]:
    """Give each text by itself, in chunks, and each of its sentences; all words; these with each description."""
    found = []
    for place in content.texts:
        for piece in chunks(place.text, WINDOW):
            alone = [said for line in piece.splitlines() for said in sentences(line)]
            for said in dict.fromkeys([piece, *alone]):
                words, shows = ("", said) if place.kind == "caption" else (said, None)
                evidence = (place.model_copy(update={"text": said}),)
                found.append(Statement(words, evidence, shows, excerpt=said != piece))
    whole, places = _whole([place for place in content.words if place.kind != "table"])
    if len(places) > 1:
        found.append(Statement(whole, places))
    pairs = [place for place in content.descriptions if whole and place.text not in whole]
    return found + [Statement(whole, (*places, place), place.text[:WINDOW]) for place in pairs]


def _whole(places: Sequence[Span]) -> tuple[str, tuple[Span, ...]]:
    """Join texts up to the length of a statement; a text that another one contains is not repeated.

    Each text has its share of the length, so that a long one cannot displace the others.
    """
    kept = said_once(place.text for place in places)
    first = {place.text: place for place in reversed(places)}
    chosen = [first[text] for text in kept]
    shares = fair_shares([len(place.text) + 1 for place in chosen], WINDOW + 1)
    parts = [place.text[: share - 1] for place, share in zip(chosen, shares, strict=True) if share > 1]
    return " ".join(parts), tuple(place for place, share in zip(chosen, shares, strict=True) if share > 1)


def fair_shares(wanted: Sequence[int], room: int) -> list[int]:
    """Divide room among those who want some of it: nobody gets more than wanted, nobody less than an equal share.

    Max-min fairness: what one does not need is divided among the others.
    """
    shares = [0] * len(wanted)
    for position, place in enumerate(sorted(range(len(wanted)), key=lambda place: wanted[place])):
        shares[place] = min(wanted[place], room // (len(wanted) - position))
        room -= shares[place]
    return shares
