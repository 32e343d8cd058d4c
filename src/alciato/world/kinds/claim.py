"""Claim with a picture: true, false, or out of context.

An archive (a table) tells of the picture what it shows, where and when it was taken. A true claim agrees with the
picture and the archive. A false one says a number, a colour or a thing that the picture contradicts. One out of
context tells rightly what is to be seen, but of another place or day than the archive: the picture alone cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from alciato.item import Table, Text
from alciato.world.concepts import COLOURS, OBJECTS, Concept, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, scatter

Veracity = Literal["true", "false", "out of context"]
Fault = Literal["number", "colour", "thing", "place", "day"]
FAULTS: dict[Veracity, tuple[Fault, ...]] = {
    "true": (),
    "false": ("number", "colour", "thing"),
    "out of context": ("place", "day"),
}
PLACES = words("place")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


class Fact(Truth):
    """What is told of a picture."""

    thing: str
    number: int
    colour: str
    place: str
    day: str


class ClaimTruth(Truth):
    """A claim, what is so, and the one thing that differs."""

    veracity: Veracity
    fault: Fault | None
    claimed: Fact
    actual: Fact
    claim: str
    ground: Ground
    objects: tuple[Shown, ...]


class ClaimOptions(Options):
    """Options of claims."""

    family: Family = "scene"
    archive: bool = Field(True, description="add the archive's table as a part")


def compose(draw: Draw, options: ClaimOptions) -> Sequence[Composition]:
    """Draw one claim."""
    veracity: Veracity = draw.pick(("true", "true", "false", "out of context"))
    thing = draw.one(OBJECTS)
    actual = Fact(
        thing=thing.name,
        number=draw.whole(1, 5),
        colour=draw.pick(tuple(COLOURS)),
        place=draw.one(PLACES),
        day=_day(draw),
    )
    fault = draw.pick(FAULTS[veracity]) if FAULTS[veracity] else None
    claimed, named = _changed(draw, actual, thing, fault)
    picture, ground = backdrop(draw, options.size, options.family)
    objects = scatter(draw, picture, [Wanted(thing.name, thing.character, actual.colour)] * actual.number)
    claim = f"{_capital(named.counted(claimed.number, claimed.colour))} in {claimed.place} on {claimed.day}."
    truth = ClaimTruth(
        veracity=veracity, fault=fault, claimed=claimed, actual=actual, claim=claim, ground=ground, objects=objects
    )
    archive = Table(
        columns=("picture", "place", "day"), rows=(("this picture", actual.place, actual.day),), name="archive"
    )
    content = (Text(text=claim), picture, *((archive,) if options.archive else ()))
    return [Composition(content, truth, veracity)]


def _changed(draw: Draw, actual: Fact, thing: Concept, fault: Fault | None) -> tuple[Fact, Concept]:
    """Change the one fact that the claim gets wrong."""
    if fault == "thing":
        other = draw.pick([concept for concept in draw.of(OBJECTS) if concept != thing])
        return actual.model_copy(update={"thing": other.name}), other
    if fault is None:
        return actual, thing
    values: dict[str, Sequence[Any]] = {
        "number": [number for number in range(1, 6) if number != actual.number],
        "colour": [colour for colour in COLOURS if colour != actual.colour],
        "place": [place for place in draw.of(PLACES) if place != actual.place],
        "day": [day for day in (_day(draw) for _ in range(8)) if day != actual.day],
    }
    return actual.model_copy(update={fault: draw.pick(values[fault])}), thing


def _day(draw: Draw) -> str:
    return f"{draw.whole(1, 28)} {draw.pick(MONTHS)} {draw.whole(2018, 2025)}"


def _capital(told: str) -> str:
    return told[0].upper() + told[1:]


KIND = Kind(
    "claim",
    "A claim about a picture that is true, false, or out of context, with the archive that tells.",
    compose,
    ClaimTruth,
    ClaimOptions,
)
