"""Catalogue notes for recommendation: two notes that the same readers like, because of words, picture, or both.

Source of the task: NoteLLM-2, arXiv 2405.16789. The topic stands only in the words, the thing only in the picture.
words: the two share the topic, not the thing. picture: the thing, not the topic. both: topic and thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import COLOURS, OBJECTS, Concept, pool_of
from alciato.world.draw import Draw, Pool
from alciato.world.post import Composition, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, scatter

Relation = Literal["words", "picture", "both"]


class Topic(NamedTuple):
    """What notes are about: titles that tell it without naming it, and a tag."""

    name: str
    titles: tuple[str, ...]
    tag: str


TOPICS: Pool[Topic] = Pool(
    "topic",
    [Topic(name, tuple(lines[:-1]), lines[-1]) for name, lines in pool_of("topic").items()],
    key=lambda topic: topic.name,
)


class CatalogueTruth(Truth):
    """A note, and why the other note of its set goes with it."""

    relation: Relation
    topic: str
    thing: str
    style: str
    title: str
    tag: str
    other: int
    ground: Ground
    objects: tuple[Shown, ...]


class CatalogueOptions(Options):
    """Options of notes."""

    family: Family = "scene"
    shares: tuple[float, float, float] = Field((0.4, 0.4, 0.2), description="shares of words, picture, both")


def compose(draw: Draw, options: CatalogueOptions) -> Sequence[Composition]:
    """Draw two notes that belong together."""
    chance, words_, picture_ = draw.real(0, sum(options.shares)), options.shares[0], sum(options.shares[:2])
    relation: Relation = "words" if chance < words_ else "picture" if chance < picture_ else "both"
    topics, things = draw.some(draw.of(TOPICS), 2), draw.some(draw.of(OBJECTS), 2)
    if relation in ("words", "both"):
        topics = [topics[0], topics[0]]
    if relation in ("picture", "both"):
        things = [things[0], things[0]]
    first = draw.some(topics[0].titles, 2)
    titles = (first[0], first[1] if topics[0] == topics[1] else draw.pick(topics[1].titles))
    return [
        _note(draw, options, relation, (topics[place], things[place], titles[place], 1 - place)) for place in range(2)
    ]


def _note(
    draw: Draw, options: CatalogueOptions, relation: Relation, told: tuple[Topic, Concept, str, int]
) -> Composition:
    topic, thing, title, other = told
    style = draw.pick((*COLOURS, "plain"))
    wanted = Wanted(thing.name, thing.character, None if style == "plain" else style)
    picture, ground = backdrop(draw, options.size, options.family)
    objects = scatter(draw, picture, [wanted] * draw.whole(1, 3))
    truth = CatalogueTruth(
        relation=relation,
        topic=topic.name,
        thing=thing.name,
        style=style,
        title=title,
        tag=topic.tag,
        other=other,
        ground=ground,
        objects=objects,
    )
    content = (picture, Text(text=title, name="title"), Text(text=topic.tag, name="tags"))
    return Composition(content, truth, relation)


KIND = Kind(
    "catalogue",
    "Two notes that go together by their words, by their picture, or by both.",
    compose,
    CatalogueTruth,
    CatalogueOptions,
    members=2,
)
