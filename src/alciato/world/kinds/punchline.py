"""Punchline: a picture with a caption, one that means the same, and one that means the opposite.

Source of the three captions: PunchBench, arXiv 2412.11906. A punchline is there when words and picture conflict, so
the synonymous caption keeps it and the antonymous one turns it round. A set has three members: original,
synonymous, antonymous; the picture is the same. Each carries the sentence that explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from alciato.item import Text
from alciato.world.draw import Draw
from alciato.world.kinds.sarcasm import SCENES, WORDINGS, show
from alciato.world.post import Composition, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground

Variant = Literal["original", "synonymous", "antonymous"]
VARIANTS: tuple[Variant, ...] = ("original", "synonymous", "antonymous")
MARKS = ("again", "obviously", "of course", "once more", "as ever")
"""Words of the planted lexical cue."""


class PunchlineTruth(Truth):
    """Whether caption and picture make a punchline, and why."""

    variant: Variant
    punchline: bool
    praises: bool
    pleasant: bool
    caption: str
    explanation: str
    scene: str
    marked: bool
    ground: Ground
    objects: tuple[Shown, ...]


class PunchlineOptions(Options):
    """Options of punchlines."""

    family: Family = "scene"
    marked: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the punchlines, and 1 - share of the others, whose caption has a marked word",
    )


def compose(draw: Draw, options: PunchlineOptions) -> Sequence[Composition]:
    """Draw the three posts of a picture."""
    praises, pleasant = draw.chance(0.5), draw.chance(0.5)
    scene, wording = draw.one(SCENES[pleasant]), draw.one(WORDINGS[praises])
    picture, ground, objects = show(draw, options.size, options.family, scene)
    made = []
    for variant, caption in zip(VARIANTS, wording, strict=True):
        praise = praises != (variant == "antonymous")
        punchline = praise != pleasant
        marked = options.marked > 0 and draw.chance(options.marked if punchline else 1 - options.marked)
        said = f"{caption} {draw.pick(MARKS)}" if marked else caption
        truth = PunchlineTruth(
            variant=variant,
            punchline=punchline,
            praises=praise,
            pleasant=pleasant,
            caption=said,
            explanation=explain(praise, pleasant, scene.name),
            scene=scene.name,
            marked=marked,
            ground=ground,
            objects=objects,
        )
        made.append(Composition((picture, Text(text=said)), truth, "punchline" if punchline else "none"))
    return made


def explain(praises: bool, pleasant: bool, scene: str) -> str:
    """Say in a sentence why there is a punchline, or why there is none."""
    tone, look = ("praises" if praises else "complains"), ("pleasant" if pleasant else "bad")
    if praises != pleasant:
        return f"The caption {tone} although the picture shows something {look}: {scene}."
    return f"The caption {tone} and the picture shows something {look}, {scene}, so nothing is turned round."


KIND = Kind(
    "punchline",
    "A picture with a caption, a synonymous and an antonymous one; a punchline is where they conflict with it.",
    compose,
    PunchlineTruth,
    PunchlineOptions,
    members=3,
)
