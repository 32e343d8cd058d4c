"""Multi-hop chain: a question whose answer goes over a text, a table and a picture, among others that do not help.

text: who lives in which town. table: which town has which emblem. picture: in which colour the emblem is painted.
1 hop asks for the town, 2 for the emblem of a person's town or the colour of a town's emblem, 3 for the colour of
the emblem of a person's town. The chain names the parts that are needed, in order; every other part is a distractor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from alciato.item import Table, Text
from alciato.world.concepts import COLOURS, OBJECTS, PERSONS, Concept, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Content, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Wanted, backdrop, put

Modality = Literal["text", "table", "picture"]
PLACES = words("place")


class Hop(NamedTuple):
    """One step: which part (position in the item), of which modality, and what it tells."""

    part: int
    modality: Modality
    tells: str


class MultihopTruth(Truth):
    """A question, its answer, and the chain of parts that leads to it."""

    question: str
    answer: str
    hops: int
    chain: tuple[Hop, ...]
    documents: int


class MultihopOptions(Options):
    """Options of chains."""

    hops: tuple[Literal[1, 2, 3], ...] = Field((1, 2, 2, 3), description="numbers of hops to draw from")
    texts: int = Field(4, ge=2, le=4, description="texts, one of them needed")
    pictures: int = Field(3, ge=1, le=4, description="pictures, one of them needed")


def compose(draw: Draw, options: MultihopOptions) -> Sequence[Composition]:
    """Draw one question with its documents, in random order."""
    people, emblems = draw.some(draw.of(PERSONS), options.texts), draw.some(draw.of(OBJECTS), 4)
    sides = draw.some(("East", "West", "North", "South"), 4)
    towns, colours = [f"{draw.one(PLACES)} {side}" for side in sides], draw.some(tuple(COLOURS), 4)
    documents: list[tuple[str, Content]] = [
        (f"text {place}", Text(text=f"{person} lives in {town}. {person} works there as a {draw.pick(TRADES)}."))
        for place, (person, town) in enumerate(zip(people, towns, strict=False))
    ]
    rows = tuple((town, emblem.name) for town, emblem in zip(towns, emblems, strict=True))
    documents.append(("table", Table(columns=("town", "emblem"), rows=_shuffled(draw, rows), name="emblems")))
    years = tuple((town, draw.whole(1200, 1900)) for town in towns)
    documents.append(("years", Table(columns=("town", "founded"), rows=_shuffled(draw, years), name="towns")))
    for place, (emblem, colour) in enumerate(zip(emblems[: options.pictures], colours, strict=False)):
        documents.append((f"picture {place}", _painted(draw, options.size, emblem, colour)))
    documents = draw.some(documents, len(documents))
    question, answer, chain = _asked(draw, draw.pick(options.hops), (people[0], towns[0], emblems[0].name, colours[0]))
    places = {name: place + 1 for place, (name, _) in enumerate(documents)}
    truth = MultihopTruth(
        question=question,
        answer=answer,
        hops=len(chain),
        chain=tuple(Hop(places[name], modality, tells) for name, modality, tells in chain),
        documents=len(documents),
    )
    asked = Text(text=question, name="question")
    return [Composition((asked, *(content for _, content in documents)), truth, str(len(chain)))]


TRADES = ("baker", "teacher", "pilot", "gardener", "tailor", "painter", "nurse", "driver")
Steps = list[tuple[str, Modality, str]]


def _asked(draw: Draw, hops: int, facts: tuple[str, str, str, str]) -> tuple[str, str, Steps]:
    """Write the question of so many hops; give it with its answer and its steps."""
    person, town, emblem, colour = facts
    lives: tuple[str, Modality, str] = ("text 0", "text", f"{person} lives in {town}")
    has: tuple[str, Modality, str] = ("table", "table", f"the emblem of {town} is the {emblem}")
    painted: tuple[str, Modality, str] = ("picture 0", "picture", f"the {emblem} is {colour}")
    if hops == 1:
        return f"Where does {person} live?", town, [lives]
    if hops == 3:
        return f"What colour is the emblem of the town where {person} lives?", colour, [lives, has, painted]
    if draw.chance(0.5):
        return f"What is the emblem of the town where {person} lives?", emblem, [lives, has]
    return f"What colour is the emblem of {town}?", colour, [has, painted]


def _painted(draw: Draw, size: int, emblem: Concept, colour: str) -> Content:
    picture, _ = backdrop(draw, size)
    put(
        picture,
        Wanted(emblem.name, emblem.character, colour),
        draw.real(0.4, 0.6),
        draw.real(0.42, 0.58),
        draw.real(0.5, 0.7),
    )
    return picture


def _shuffled(draw: Draw, rows: tuple[tuple[str, str | int], ...]) -> tuple[tuple[str, str | int], ...]:
    return tuple(draw.some(rows, len(rows)))


KIND = Kind(
    "multihop",
    "A question over a text, a table and a picture, with the chain that answers it.",
    compose,
    MultihopTruth,
    MultihopOptions,
)
