"""Layout: instances with boxes and masks, each with its own instruction, in words or by a reference picture.

Source of the task: OmniBooth, arXiv 2410.04932. Parts: the picture, its mask (instance i has the value 40 * (i + 1),
the ground 0), a caption, a table of the instances, then the reference pictures in the instances' order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image
from pydantic import Field

from alciato.item import Table, Text
from alciato.world.concepts import COLOURS, OBJECTS
from alciato.world.draw import Draw
from alciato.world.glyphs import glyph
from alciato.world.post import Composition, Content, Shown, Truth
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, put, scatter

STEP = 40
"""Distance of the mask's values."""


class Instance(NamedTuple):
    """One instance: what it is, its instruction, the position of its reference picture in the item, if it has one."""

    shown: Shown
    by: Literal["text", "picture"]
    instruction: str
    reference: int | None
    value: int


class LayoutTruth(Truth):
    """A picture by its instances."""

    ground: Ground
    caption: str
    instances: tuple[Instance, ...]


class LayoutOptions(Options):
    """Options of layouts."""

    family: Family = "scene"
    instances: Bounds = Field((2, 4), description="fewest and most instances, 6 at most")
    referred: float = Field(0.5, ge=0, le=1, description="share of the instances that a reference picture describes")


def compose(draw: Draw, options: LayoutOptions) -> Sequence[Composition]:
    """Draw one layout."""
    picture, ground = backdrop(draw, options.size, options.family)
    concepts = draw.some(draw.of(OBJECTS), min(6, draw.whole(*options.instances)))
    wanted = [Wanted(one.name, one.character, draw.pick(tuple(COLOURS))) for one in concepts]
    shown = scatter(draw, picture, wanted)
    mask = _mask(picture.size, shown)
    references: list[Image.Image] = []
    instances = []
    for place, one in enumerate(shown):
        by: Literal["text", "picture"] = "picture" if draw.chance(options.referred) else "text"
        if by == "picture":
            references.append(_reference(draw, options.size // 2, wanted[place]))
        number = 3 + len(references) if by == "picture" else None
        told = f"as in picture {len(references)}" if by == "picture" else f"{one.colour} {one.name}"
        instances.append(Instance(one, by, told, number, STEP * (place + 1)))
    caption = f"{ground.name} with {len(instances)} things"
    rows = tuple((place + 1, *map(int, one.shown.box), one.instruction) for place, one in enumerate(instances))
    table = Table(columns=("instance", "left", "top", "right", "bottom", "instruction"), rows=rows, name="instances")
    truth = LayoutTruth(ground=ground, caption=caption, instances=tuple(instances))
    content: tuple[Content, ...] = (picture, mask, Text(text=caption, name="caption"), table, *references)
    return [Composition(content, truth, str(len(instances)))]


def _mask(size: tuple[int, int], shown: Sequence[Shown]) -> Image.Image:
    mask = Image.new("L", size, 0)
    for place, one in enumerate(shown):
        left, top, right, bottom = map(int, one.box)
        mark = glyph(one.character, max(right - left, bottom - top), one.colour)
        covered = mark.getchannel("A").point(lambda alpha: 255 if alpha > 127 else 0)
        mask.paste(STEP * (place + 1), (left, top), covered)
    return mask


def _reference(draw: Draw, side: int, wanted: Wanted) -> Image.Image:
    """Show the same thing elsewhere: another ground, size and place."""
    picture, _ = backdrop(draw, side)
    put(picture, wanted, draw.real(0.4, 0.6), draw.real(0.4, 0.6), draw.real(0.5, 0.85))
    return picture


KIND = Kind("layout", "Instances with boxes, masks and an instruction each.", compose, LayoutTruth, LayoutOptions)
