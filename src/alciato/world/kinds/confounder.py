"""Confounder set: words and picture that offend a fictional group only together, and their benign confounders.

Source of the idea: benign confounders of Hateful Memes, arXiv 2005.04790. Words liken the group to the thing beside
it, or contrast the two; the thing is loaded (an insult to be likened to) or benign. Offends = the words liken the
group to a loaded thing, or contrast it with a benign one. So each of the four members has a confounder with the same
words and one with the same picture, and every wording and every thing is equally often in both classes: neither part
alone tells anything about the label, within a set or over all sets.
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

THINGS = {True: things("loaded thing"), False: things("benign thing")}
"""What stands beside the group, by whether it is loaded."""
WORDINGS = {True: words("likening words"), False: words("contrasting words")}
"""What is said, by whether it likens the group to the thing: kind or insulting as the thing is."""
MEMBERS = ((True, True), (True, False), (False, True), (False, False))
"""The members of a set: whether the words liken, whether the thing is loaded."""


class ConfounderTruth(Truth):
    """One member of a confounder set."""

    words_liken: bool
    thing_loaded: bool
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
    """Draw the four members of a set: one group, one ground, two things, two wordings."""
    group = draw.one(GROUPS)
    ground, named = backdrop(draw, options.size, options.family)
    beside = {loaded: draw.one(THINGS[loaded]) for loaded in (True, False)}
    wordings = {liken: draw.one(WORDINGS[liken]) for liken in (True, False)}
    many = draw.whole(1, 3)
    swap = draw.chance(0.5)
    made = []
    for words_liken, thing_loaded in MEMBERS:
        picture, thing, said = ground.copy(), beside[thing_loaded], wordings[words_liken]
        objects = side_by_side(picture, group, many, thing, mirrored=swap)
        lines = tuple(capitals(picture, said, bottom=True)) if options.layout == "over" else ()
        truth = ConfounderTruth(
            words_liken=words_liken,
            thing_loaded=thing_loaded,
            offends=words_liken == thing_loaded,
            group=group.name,
            thing=thing.name,
            words=said,
            ground=named,
            objects=objects,
            lines=lines,
        )
        content = (picture,) if options.layout == "over" else (picture, Text(text=said))
        made.append(Composition(content, truth, "offends" if truth.offends else "benign"))
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
    "Four members: words and picture that offend a fictional group only together; neither part alone tells.",
    compose,
    ConfounderTruth,
    ConfounderOptions,
    members=4,
)
