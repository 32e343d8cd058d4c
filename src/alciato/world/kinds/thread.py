"""Thread of replies: a rumour with a picture, and answers that support, deny, question or only comment on it.

A thread is a set of six posts, linked by `reply_to`. True rumours are supported and false ones denied more often, at
the rate `agree`; the stance is towards the rumour, whichever post is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import COLOURS, OBJECTS, PERSONS, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Wanted, backdrop, scatter

Stance = Literal["rumour", "support", "deny", "query", "comment"]
LINES = {stance: words(f"{stance} line") for stance in ("support", "deny", "query", "comment")}
PLACES = words("place")
MEMBERS = 6


class ThreadTruth(Truth):
    """One post of a thread: its place in it, its stance, and whether the rumour is true."""

    position: int
    parent: int | None
    depth: int
    author: str
    stance: Stance
    rumour: str
    rumour_true: bool
    words: str
    objects: tuple[Shown, ...]


class ThreadOptions(Options):
    """Options of threads."""

    family: Family = "scene"
    agree: float = Field(
        0.8, ge=0, le=1, description="share of supports among the supports and denials of a true rumour"
    )


def compose(draw: Draw, options: ThreadOptions) -> Sequence[Composition]:
    """Draw the posts of one thread."""
    rumour_true = draw.chance(0.5)
    concept, colour = draw.one(OBJECTS), draw.pick(tuple(COLOURS))
    number = draw.whole(1, 4)
    picture, _ = backdrop(draw, options.size, options.family)
    objects = scatter(draw, picture, [Wanted(concept.name, concept.character, colour)] * number)
    rumour = f"{concept.counted(number, colour)} seen in {draw.one(PLACES)} this morning"
    people = draw.some(draw.of(PERSONS), min(MEMBERS, len(draw.of(PERSONS))))
    parents = [0, *(draw.whole(0, position - 1) for position in range(2, MEMBERS))]
    depths, made = [0], []
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.whole(0, 500_000))
    for position in range(MEMBERS):
        parent = parents[position - 1] if position else None
        depths += [depths[parent] + 1] if parent is not None else []
        stance = _stance(draw, rumour_true, options.agree) if position else "rumour"
        said = draw.one(LINES[stance]) if position else rumour
        truth = ThreadTruth(
            position=position,
            parent=parent,
            depth=depths[position],
            author=people[position % len(people)],
            stance=stance,
            rumour=rumour,
            rumour_true=rumour_true,
            words=said,
            objects=() if position else objects,
        )
        about = {"author": truth.author, "created_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        made.append(Composition((Text(text=said), *(() if position else (picture,))), truth, stance, about, parent))
        moment += timedelta(minutes=draw.whole(1, 90))
    return made


def _stance(draw: Draw, rumour_true: bool, agree: float) -> Stance:
    if draw.chance(0.5):
        return draw.pick(("query", "comment"))
    return "support" if draw.chance(agree if rumour_true else 1 - agree) else "deny"


KIND = Kind(
    "thread",
    "A rumour with a picture and five replies, each with its stance.",
    compose,
    ThreadTruth,
    ThreadOptions,
    members=MEMBERS,
)
