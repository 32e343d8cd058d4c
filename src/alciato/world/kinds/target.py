"""Target of an attack: individual, organisation, community or society; shown in the picture, attacked in the words.

Source of the classes: HarMeme, arXiv 2110.00413. The words never name the target, the picture never tells the
tone, and a spoken remark may turn the attack into its opposite (counter-speech): so each task needs two parts.
offends = the words are hostile AND the remark does not reject them. target = what the picture shows, if it offends.
The table of the account is only a hint: its columns lean towards offending accounts at the rate `lean`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from alciato.item import Box, Table, Text
from alciato.world.concepts import GROUPS, ORGANISATIONS, PERSONS, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Line, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, scatter
from alciato.world.writing import BOLD, WHITE, Ink, fitted, write

Target = Literal["individual", "organisation", "community", "society"]
TARGETS: tuple[Target, ...] = ("individual", "organisation", "community", "society")
HOSTILE = words("hostile words")
FRIENDLY = words("friendly words")
REJECTING = words("rejecting remark")
NEUTRAL = words("neutral remark")
_PEOPLE = ("🧑‍🚀", "🧑‍🌾", "🧑‍🍳", "🧑‍🎨", "🧑‍🔧", "🧑‍🏫")
_HOUSES = ("🏢", "🏦", "🏛️", "🏭", "🏤", "🏬")
_WORLDS = ("🌍", "🌎", "🌏", "🌐", "🗺️", "🏙️")
COLUMNS = ("followers", "account_days", "posts_a_day", "share_of_replies", "share_at_night", "reports")


class TargetTruth(Truth):
    """Whom a post shows, what it says, and whether that is an attack."""

    shows: Target
    named: str
    hostile: bool
    rejected: bool
    offends: bool
    target: Target | None
    words: str
    remark: str
    ground: Ground
    objects: tuple[Shown, ...]
    lines: tuple[Line, ...]


class TargetOptions(Options):
    """Options of attacked targets."""

    family: Family = "scene"
    rejected: float = Field(0.3, ge=0, le=1, description="share of the posts whose remark rejects the words")
    lean: float = Field(0.7, ge=0, le=1, description="share of the accounts whose table looks like the label")


def compose(draw: Draw, options: TargetOptions) -> Sequence[Composition]:
    """Draw one post: words, picture, the account's table, and the transcript of a spoken remark."""
    shows, hostile, rejected = draw.pick(TARGETS), draw.chance(0.6), draw.chance(options.rejected)
    offends = hostile and not rejected
    picture, ground = backdrop(draw, options.size, options.family)
    named, wanted = _who(draw, shows)
    objects = scatter(draw, picture, wanted, area=_above(picture.width, picture.height))
    face = fitted(named, max(9, options.size // 10), options.size - 4, BOLD)
    place = (options.size / 2, options.size - face.size * 1.5)
    lines = (write(picture, named, place, face, role="name", ink=Ink(WHITE, max(1, options.size // 100))),)
    said = draw.one(HOSTILE if hostile else FRIENDLY)
    remark = draw.one(REJECTING if rejected else NEUTRAL)
    truth = TargetTruth(
        shows=shows,
        named=named,
        hostile=hostile,
        rejected=rejected,
        offends=offends,
        target=shows if offends else None,
        words=said,
        remark=remark,
        ground=ground,
        objects=objects,
        lines=lines,
    )
    account = _account(draw, offends if draw.chance(options.lean) else not offends)
    content = (Text(text=said), picture, account, Text(text=remark, name="transcript"))
    return [Composition(content, truth, truth.target or "none")]


def _who(draw: Draw, shows: Target) -> tuple[str, list[Wanted]]:
    """Name the one who is shown, and what is drawn for it."""
    if shows == "individual":
        return (name := draw.one(PERSONS)), [Wanted(name, draw.pick(_PEOPLE))]
    if shows == "organisation":
        return (name := draw.one(ORGANISATIONS)), [Wanted(name, draw.pick(_HOUSES))]
    if shows == "community":
        group = draw.one(GROUPS)
        return group.name, [Wanted(group.one, group.character)] * draw.whole(4, 6)
    return "all of us", [Wanted("society", draw.pick(_WORLDS))]


def _above(width: int, height: int) -> Box:
    return Box(0, 0, width, height * 0.84)


def _account(draw: Draw, suspicious: bool) -> Table:
    """A table of one row about the account; a suspicious one is young, busy, awake at night and often reported."""
    busy = 1.0 if suspicious else 0.0
    row = (
        int(10 ** draw.real(1.5, 4.5 - busy)),
        int(10 ** draw.real(1.5 + 0.7 * (1 - busy), 3.6 - 0.8 * busy)),
        round(draw.real(0.2, 8) + 8 * busy * draw.real(0.3, 1), 1),
        round(draw.real(0.05, 0.6) + 0.35 * busy, 2),
        round(draw.real(0.02, 0.4) + 0.4 * busy, 2),
        draw.whole(0, 3) + int(busy) * draw.whole(0, 6),
    )
    return Table(columns=COLUMNS, rows=(row,), name="account")


KIND = Kind(
    "target",
    "Attack on an individual, organisation, community or society, over words, picture, table and transcript.",
    compose,
    TargetTruth,
    TargetOptions,
)
