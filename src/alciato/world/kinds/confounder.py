"""Confounder set: words and picture that offend a fictional group only together, and three innocent variants.

Source of the idea: benign confounders of Hateful Memes, arXiv 2005.04790. The four members, in order:
both loaded (offends), picture swapped, words swapped, both innocent. offends = words loaded AND picture loaded, so
neither part alone tells anything about the label within a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PIL import Image
from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import GROUPS, Group, Thing, things, words
from alciato.world.draw import Draw
from alciato.world.glyphs import glyph
from alciato.world.post import Composition, Line, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, paste
from alciato.world.writing import capitals

LOADED = things("loaded thing")
INNOCENT = things("innocent thing")
LOADED_WORDS = words("loaded words")
"""Innocent beside an innocent picture; an insult beside a loaded one."""
INNOCENT_WORDS = words("innocent words")
Role = Literal["offending", "picture swapped", "words swapped", "both innocent"]
MEMBERS: tuple[tuple[Role, bool, bool], ...] = (
    ("offending", True, True),
    ("picture swapped", True, False),
    ("words swapped", False, True),
    ("both innocent", False, False),
)
"""The members of a set: role, words loaded, picture loaded."""


class ConfounderTruth(Truth):
    """One member of a confounder set."""

    role: Role
    words_loaded: bool
    picture_loaded: bool
    offends: bool
    group: str
    thing: str
    words: str
    ground: Ground
    objects: tuple[Shown, ...]
    lines: tuple[Line, ...]


class ConfounderOptions(Options):
    """Options of confounder sets."""

    family: Family = "scene"
    layout: Literal["over", "text"] = Field("over", description="words over the picture, or as a text part")


def compose(draw: Draw, options: ConfounderOptions) -> Sequence[Composition]:
    """Draw the four members of a set: one group, one ground, two pictures, two wordings."""
    group = draw.one(GROUPS)
    ground, named = backdrop(draw, options.size, options.family)
    beside = {True: draw.one(LOADED), False: draw.one(INNOCENT)}
    wordings = {True: draw.one(LOADED_WORDS), False: draw.one(INNOCENT_WORDS)}
    many = draw.whole(1, 3)
    swap = draw.chance(0.5)
    made = []
    for role, words_loaded, picture_loaded in MEMBERS:
        picture, thing, said = ground.copy(), beside[picture_loaded], wordings[words_loaded]
        objects = side_by_side(picture, group, many, thing, mirrored=swap)
        lines = tuple(capitals(picture, said, bottom=True)) if options.layout == "over" else ()
        offends = words_loaded and picture_loaded
        truth = ConfounderTruth(
            role=role,
            words_loaded=words_loaded,
            picture_loaded=picture_loaded,
            offends=offends,
            group=group.name,
            thing=thing.name,
            words=said,
            ground=named,
            objects=objects,
            lines=lines,
        )
        content = (picture,) if options.layout == "over" else (picture, Text(text=said))
        made.append(Composition(content, truth, "offends" if offends else "innocent"))
    return made


def side_by_side(picture: Image.Image, group: Group, many: int, thing: Thing, *, mirrored: bool) -> tuple[Shown, ...]:
    """Set `many` of the group on one side and the thing on the other, above the words."""
    width, height = picture.width, picture.height * 0.72
    side = int(min(width * 0.57 / many, height * 0.62))
    shown = []
    for number in range(many):
        mark = glyph(group.character, side)
        middle = width * (0.41 if mirrored else 0.02) + (number + 0.5) * width * 0.57 / many
        place = (middle - mark.width / 2, height * 0.5 - mark.height / 2)
        shown.append(paste(picture, Wanted(group.one, group.character), mark, place))
    mark = glyph(thing.character, int(width * 0.36))
    place = (width * (0.21 if mirrored else 0.79) - mark.width / 2, height * 0.5 - mark.height / 2)
    return (*shown, paste(picture, Wanted(thing.name, thing.character), mark, place))


KIND = Kind(
    "confounder",
    "Four members: words and picture that offend a fictional group only together, and three innocent ones.",
    compose,
    ConfounderTruth,
    ConfounderOptions,
    members=4,
)
