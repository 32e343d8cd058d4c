"""Kinds of post, by name. A kind is one short file with a `KIND`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alciato.registry import Registry
from alciato.world.draw import Draw
from alciato.world.post import Composition, Truth


def _in_order(bounds: tuple[int, int]) -> tuple[int, int]:
    low, high = bounds
    if not 1 <= low <= high:
        message = f"{low} and {high} are not fewest and most: 1 <= fewest <= most"
        raise ValueError(message)
    return bounds


Bounds = Annotated[tuple[int, int], AfterValidator(_in_order)]
"""Fewest and most, both included."""


class Cue(BaseModel):
    """A known spurious cue: something that has nothing to do with the label, but comes with it at a rate.

    colour: a magenta edge round the picture. position: a grey mark at the left top (else it is anywhere else).
    word: one word more, after the first text part, or on a plate in the picture where there is no text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["colour", "position", "word"]
    rates: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        description="label to the share of its posts that carry the cue, 0..1"
    )
    word: str = "indeed"


class Options(BaseModel):
    """What can be chosen for every kind of post."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    size: int = Field(128, ge=48, le=2048, description="pixels of a picture's side")
    cue: Cue | None = Field(None, description="a spurious cue to inject")


Compose = Callable[[Draw, Any], Sequence[Composition]]
"""`compose(draw, options)` gives the posts of one set."""


@dataclass(frozen=True)
class Kind:
    """A kind of post. `compose` gives a set of `members` posts that belong together (1: posts stand alone).

    `stream` names the random stream; two kinds of one stream and seed start with the same picture. The members of a
    set are put into a random order, unless `ordered` says that their order means something.
    """

    name: str
    about: str
    compose: Compose
    truth: type[Truth]
    options: type[Options] = Options
    members: int = 1
    stream: str = ""
    ordered: bool = False


KINDS: Registry[Kind] = Registry(
    "kind of post",
    {
        name: f"alciato.world.kinds.{name}:KIND"
        for name in [
            "scene",
            "macro",
            "plain",
            "confounder",
            "target",
            "sentiment",
            "sarcasm",
            "punchline",
            "claim",
            "needle",
            "screenshot",
            "inconsistency",
            "chart",
            "multihop",
            "layout",
            "story",
            "clip",
            "dialogue",
            "thread",
            "catalogue",
        ]
    },
    group="alciato.world_kinds",
)
