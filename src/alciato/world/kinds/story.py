"""Interleaved story: a hero keeps shape and colour over the steps; each step says what changes, then shows it.

A share of the stories has one known defect: steps shuffled, the hero changed midway, a picture of another story, or a
picture shown again (after the defects that CoMM, arXiv 2406.10462, filters out).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image
from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import COLOURS, OBJECTS, Concept, words
from alciato.world.draw import Draw, Pool
from alciato.world.post import Composition, Content, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import LANDSCAPES, Landscape, Wanted, landscape_of, put

Defect = Literal["none", "shuffled", "hero changed", "picture swapped", "picture repeated"]
DEFECTS: tuple[Defect, ...] = ("shuffled", "hero changed", "picture swapped", "picture repeated")
ACTS = words("act")
HEROES: Pool[Concept] = Pool(
    "hero", [one for one in OBJECTS.members if one.category == "animal"], key=lambda concept: concept.name
)


class StoryStep(NamedTuple):
    """One step as it stands in the item: its number in the true order, its sentence, what its picture shows."""

    order: int
    sentence: str
    place: str
    found: str
    objects: tuple[Shown, ...]


class StoryTruth(Truth):
    """A story: its hero, its steps, and its defect with the step where it begins (from 0)."""

    hero: str
    colour: str
    steps: tuple[StoryStep, ...]
    defect: Defect
    defect_step: int | None


class StoryOptions(Options):
    """Options of stories."""

    steps: int = Field(4, ge=2, le=6)
    defects: float = Field(0.0, ge=0, le=1, description="share of the stories with a defect")


class Told(NamedTuple):
    """A step before it is drawn."""

    order: int
    sentence: str
    hero: Wanted
    thing: Concept
    place: Landscape


def compose(draw: Draw, options: StoryOptions) -> Sequence[Composition]:
    """Draw one story: a sentence and a picture in turn."""
    hero = draw.one(HEROES)
    colour, other = draw.some(tuple(COLOURS), 2)
    told = _told(draw, options.steps, Wanted(hero.name, hero.character, colour))
    defect: Defect = draw.pick(DEFECTS) if draw.chance(options.defects) else "none"
    where = None if defect == "none" else draw.whole(1, options.steps - 1)
    order = list(range(options.steps))
    if defect == "shuffled":
        order, where = _disordered(draw, options.steps)
    shown = [_changed(draw, told, place, defect, where, other) for place in order]
    content: list[Content] = []
    steps = []
    for place, drawn in zip(order, shown, strict=True):
        picture, objects = _picture(draw, options.size, drawn)
        content += [Text(text=told[place].sentence), picture]
        steps.append(StoryStep(place, told[place].sentence, drawn.place.name, drawn.thing.name, objects))
    truth = StoryTruth(hero=hero.name, colour=colour, steps=tuple(steps), defect=defect, defect_step=where)
    return [Composition(tuple(content), truth, defect)]


def _told(draw: Draw, count: int, hero: Wanted) -> list[Told]:
    """Write the steps: in each another place and another thing."""
    others = [concept for concept in draw.of(OBJECTS) if concept.name != hero.name]
    things, places = draw.some(others, count), draw.some(draw.of(LANDSCAPES), count)
    acts = draw.some(draw.of(ACTS), count)
    told = []
    for order in range(count):
        thing, place = things[order], places[order % len(places)]
        opening = ("First", "Then", "After that", "Later", "In the evening", "At last")[order]
        act = acts[order % len(acts)]
        sentence = (
            f"{opening} the {hero.colour} {hero.name} goes to the {place.name}, finds {thing.counted(1)} and {act}."
        )
        told.append(Told(order, sentence, hero, thing, place))
    return told


def _disordered(draw: Draw, count: int) -> tuple[list[int], int]:
    order = list(range(count))
    while order == sorted(order):
        order = draw.some(range(count), count)
    return order, next(place for place, value in enumerate(order) if value != place)


def _changed(draw: Draw, told: Sequence[Told], place: int, defect: Defect, where: int | None, other: str) -> Told:
    """What the picture of a step shows, after the defect."""
    step = told[place]
    if where is None or place < where or defect in ("none", "shuffled"):
        return step
    if defect == "hero changed":
        return step._replace(hero=step.hero._replace(colour=other))
    if place != where:
        return step
    if defect == "picture repeated":
        return told[place - 1]
    stranger = draw.one(HEROES)
    wanted = Wanted(stranger.name, stranger.character, other)
    return step._replace(hero=wanted, thing=draw.one(OBJECTS), place=draw.one(LANDSCAPES))


def _picture(draw: Draw, size: int, told: Told) -> tuple[Image.Image, tuple[Shown, ...]]:
    picture = landscape_of(told.place, (size, size))
    left = draw.chance(0.5)
    hero = put(picture, told.hero, 0.32 if left else 0.68, draw.real(0.5, 0.62), 0.5)
    thing = Wanted(told.thing.name, told.thing.character)
    return picture, (hero, put(picture, thing, 0.78 if left else 0.22, draw.real(0.62, 0.78), 0.3))


KIND = Kind("story", "A hero over four steps, told and shown in turn.", compose, StoryTruth, StoryOptions)
