"""Scene: objects of known colour and place before a ground, with a caption that tells them.

Truth: every object with its box, counts by what they are, and which stand clearly left of or above which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from typing import Literal, NamedTuple

from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import COLOURS, LANGUAGES, OBJECTS, Concept
from alciato.world.draw import Draw
from alciato.world.post import Composition, Shown, Truth
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, scatter


class Relation(NamedTuple):
    """Object `subject` stands left of, or above, `other`: both are positions in the list of objects."""

    subject: int
    predicate: Literal["left of", "above"]
    other: int


class Tally(NamedTuple):
    """How many objects of this name and colour there are."""

    name: str
    colour: str | None
    number: int


class SceneTruth(Truth):
    """A scene."""

    ground: Ground
    objects: tuple[Shown, ...]
    counts: tuple[Tally, ...]
    relations: tuple[Relation, ...]
    caption: str


class SceneOptions(Options):
    """Options of scenes."""

    kinds: Bounds = Field((1, 3), description="fewest and most sorts of object")
    most: int = Field(3, ge=1, le=12, description="most objects of one sort")
    family: Family = "scene"
    painted: float = Field(0.7, ge=0, le=1, description="share of the sorts that are painted in a colour")
    caption: bool = Field(True, description="add the caption as a text part")
    language: Literal[LANGUAGES] = Field("en", description="language of the names in the caption")  # type: ignore[valid-type]


def compose(draw: Draw, options: SceneOptions) -> Sequence[Composition]:
    """Draw one scene."""
    picture, ground = backdrop(draw, options.size, options.family)
    sorts = draw.some(draw.of(OBJECTS), draw.whole(*options.kinds))
    counts = [(sort, _colour(draw, options), draw.whole(1, options.most)) for sort in sorts]
    wanted = [Wanted(sort.name, sort.character, colour) for sort, colour, count in counts for _ in range(count)]
    objects = scatter(draw, picture, wanted)
    caption = _caption(counts, options.language)
    tallied = Counter((shown.name, shown.colour) for shown in objects)
    truth = SceneTruth(
        ground=ground,
        objects=objects,
        counts=tuple(Tally(name, colour, count) for (name, colour), count in tallied.items()),
        relations=relations(objects, options.size * 0.15),
        caption=caption,
    )
    content = (picture, Text(text=caption, name="caption")) if options.caption else (picture,)
    return [Composition(content, truth, metadata={"language": options.language})]


def relations(objects: Sequence[Shown], least: float) -> tuple[Relation, ...]:
    """Tell which centres are at least `least` pixels further left or up, and further that way than the other."""
    found = []
    for (one, first), (other, second) in permutations(enumerate(objects), 2):
        across = (second.box.left + second.box.right - first.box.left - first.box.right) / 2
        down = (second.box.top + second.box.bottom - first.box.top - first.box.bottom) / 2
        if across >= max(least, abs(down)):
            found.append(Relation(one, "left of", other))
        elif down >= max(least, abs(across)):
            found.append(Relation(one, "above", other))
    return tuple(found)


def _colour(draw: Draw, options: SceneOptions) -> str | None:
    return draw.pick(tuple(COLOURS)) if draw.chance(options.painted) else None


def _caption(counts: Sequence[tuple[Concept, str | None, int]], language: str) -> str:
    """English in words; other languages as a list of numbers and names, which needs no grammar."""
    if language != "en":
        return ", ".join(f"{count} {sort.called(language)}" for sort, _, count in counts)
    told = [sort.counted(count, colour) for sort, colour, count in counts]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


KIND = Kind("scene", "Objects of known colour, number and place, with a caption.", compose, SceneTruth, SceneOptions)
