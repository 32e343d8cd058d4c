"""MemeTector: image macro or plain picture, and where the decision looked.

Source: Koutlis, Schinas and Papadopoulos, arXiv 2205.13268 (page: memetector).
The background of a macro is itself a plain picture. So the largest crop of a macro without words, its visual part,
is taught as a plain picture: the words drawn over it are all that is left to tell them apart by. An attention over
the patch states z of earlier blocks, asked by the class token y, weighs them for the decision and shows where:
alpha = softmax_j score(y, z_j),  g = sum_j alpha_j z_j,  heat map = mean of alpha over the kept blocks.
Shapes: y (batch, dim), z (batch, patches, dim), alpha (batch, patches), heat map (batch, grid, grid), sums to 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

import numpy as np
import torch
from PIL import Image as Pictures
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from alciato.errors import UsageError
from alciato.item import Box, Finding
from alciato.models import Runtime
from alciato.models.trained import Trained
from alciato.nets import VisionTransformer, VisionTransformerConfig, picture_tensor

Search = Literal["exact", "grid"]
Score = Literal["tanh", "dot", "additive-linear"]
MEME = ("meme", "macro")
"""Names that the class of memes may have in the data."""

M = TypeVar("M")
T = TypeVar("T")


class VisualPart(NamedTuple):
    """A crop without words, in pixels, and its share of the picture's area, 0..1."""

    box: Box
    share: float


def largest_text_free_crop(
    size: tuple[int, int], boxes: Sequence[Box], *, search: Search = "exact", least: float = 0.1
) -> VisualPart | None:
    """Find the largest rectangle of a picture that meets no box; None where its share is below `least`.

    Args:
        size: width and height of the picture in pixels.
        boxes: of the words, in pixels; what lies outside the picture does not count.
        search: `exact`, or the paper's `grid` (shares 0.90, 0.85 .. 0.10; ten shapes; ten by ten places), which
            finds a smaller part, and never the whole picture.
        least: smallest share that is worth a picture.
    """
    width, height = size
    clipped = [Box(max(b[0], 0), max(b[1], 0), min(b[2], width), min(b[3], height)) for b in boxes]
    solid = [box for box in clipped if box.left < box.right and box.top < box.bottom]
    found = _exact(width, height, solid) if search == "exact" else _on_grid(width, height, solid)
    return found if found and found.share >= least else None


def _exact(width: int, height: int, boxes: Sequence[Box]) -> VisualPart | None:
    """Try every pair of vertical edges: between them the highest gap between boxes is the best."""
    best, area = None, 0.0
    lefts = sorted({0.0, *(box.right for box in boxes)})
    rights = sorted({float(width), *(box.left for box in boxes)}, reverse=True)
    for left in lefts:
        for right in rights:
            if (right - left) * height <= area:
                break
            between = (box for box in boxes if box.left < right and box.right > left)
            top, bottom = _highest_gap(height, sorted((box.top, box.bottom) for box in between))
            if (right - left) * (bottom - top) > area:
                best, area = Box(left, top, right, bottom), (right - left) * (bottom - top)
    return VisualPart(best, area / (width * height)) if best else None


def _highest_gap(height: int, spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Top and bottom of the highest stretch that no span, in order of their tops, covers."""
    best, free_from = (0.0, 0.0), 0.0
    for top, bottom in [*spans, (float(height), float(height))]:
        if top - free_from > best[1] - best[0]:
            best = (free_from, top)
        free_from = max(free_from, bottom)
    return best


def _on_grid(width: int, height: int, boxes: Sequence[Box]) -> VisualPart | None:
    """The paper's search: the first place, in order of shape, then x, then y, of the greatest free share."""
    taken = np.array(boxes, float).reshape(-1, 4) / [width, height, width, height]
    for share in np.linspace(0.9, 0.1, 17):
        shape = np.linspace(math.sqrt(share), 1 / math.sqrt(share), 10)
        sides = np.stack([math.sqrt(share) * shape, math.sqrt(share) / shape], 1)  # (shapes, 2), in shares of a side
        places = np.linspace(0, 1, 10)[:, None, None] * (1 - sides)  # (places, shapes, 2): left or top edges
        left, top = np.broadcast_arrays(places[:, None, :, 0], places[None, :, :, 1])  # (places x, places y, shapes)
        right, bottom = left + sides[:, 0], top + sides[:, 1]
        tight = 1e-9  # rounding must not make neighbours meet
        free = np.ones(left.shape, bool)
        for box in taken:
            apart = (right <= box[0] + tight) | (left >= box[2] - tight)
            free &= apart | (bottom <= box[1] + tight) | (top >= box[3] - tight)
        if free.any():
            x, y, kind = np.argwhere(free)[0]
            edges = (left[x, y, kind], top[x, y, kind], right[x, y, kind], bottom[x, y, kind])
            box = Box(*(float(e * side) for e, side in zip(edges, (width, height) * 2, strict=True)))
            return VisualPart(box, float(share))
    return None


class Mixture(NamedTuple):
    """How many plain pictures come from where."""

    with_words: int
    without_words: int
    visual_parts: int


def mixture(count: int, vpu: float = 1 / 3, text_presence: float = 1.0) -> Mixture:
    """Divide `count` plain pictures: shares (1 - vpu) text, (1 - vpu) (1 - text) and vpu.

    What rounding leaves goes to the first source that has a share. Raises `UsageError` for shares outside 0..1.
    """
    for name, value in (("vpu", vpu), ("text_presence", text_presence)):
        if not 0 <= value <= 1:
            raise UsageError(f"{name} is {value:g}.", remedy="It is a share: 0 to 1.")
    shares = ((1 - vpu) * text_presence, (1 - vpu) * (1 - text_presence), vpu)
    counts = [int(count * share + 1e-9) for share in shares]
    counts[next(place for place, share in enumerate(shares) if share > 0)] += count - sum(counts)
    return Mixture(*counts)


class Plain(NamedTuple, Generic[T, M]):
    """The plain class, by its sources; visual parts are named by the memes that they are cut from."""

    with_words: tuple[T, ...]
    without_words: tuple[T, ...]
    visual_parts: tuple[M, ...]


def visual_part_utilization(
    memes: Sequence[M],
    with_words: Sequence[T],
    without_words: Sequence[T],
    *,
    vpu: float = 1 / 3,
    text_presence: float = 1.0,
    count: int | None = None,
    seed: int = 0,
) -> Plain[T, M]:
    """Choose the plain class of three sources.

    Args:
        memes: those that have a visual part.
        with_words: plain pictures with words in them.
        without_words: plain pictures without.
        vpu: share of visual parts.
        text_presence: share of pictures with words among those that are no visual parts.
        count: members of the plain class; None: as many as there are memes.
        seed: of the choice.

    Where one sort of plain pictures is too small, the other fills up; nothing is taken twice.
    """
    wanted = mixture(len(memes) if count is None else count, vpu, text_presence)
    rest = wanted.with_words + wanted.without_words
    worded = min(len(with_words), max(wanted.with_words, rest - len(without_words)))
    bare = min(len(without_words), rest - worded)
    chance = Random(seed)  # noqa: S311 - a choice of examples, not a secret
    return Plain(
        tuple(chance.sample(list(with_words), worded)),
        tuple(chance.sample(list(without_words), bare)),
        tuple(chance.sample(list(memes), min(wanted.visual_parts, len(memes)))),
    )


class Attended(NamedTuple):
    """Weights of the patches (batch, patches), which sum to 1, and the patches under them (batch, dim)."""

    weights: torch.Tensor
    glimpse: torch.Tensor


class TrainableAttention(nn.Module):
    """Weighs patches by how they answer the class token.

    `tanh`: w . tanh(U y + V z_j). `dot`: (U y) . (V z_j) / sqrt(dim). `additive-linear`, as published:
    w . [y; z_j] + b, in which y adds the same to every patch, so that the softmax cancels it: nothing is learned
    through the class token. One module serves all kept blocks.
    """

    def __init__(self, dim: int, score: Score = "tanh") -> None:
        super().__init__()
        self.form = score
        if score == "additive-linear":
            self.weigh = nn.Linear(2 * dim, 1)
            return
        self.ask, self.answer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        if score == "tanh":
            self.weigh = nn.Linear(dim, 1)

    def forward(self, y: torch.Tensor, z: torch.Tensor) -> Attended:
        """Attend to z (batch, patches, dim) by y (batch, dim)."""
        weights = self._score(y, z).softmax(-1)  # (batch, patches)
        return Attended(weights, torch.einsum("bn,bnd->bd", weights, z))

    def _score(self, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        asked = y[:, None]  # (batch, 1, dim)
        if self.form == "additive-linear":
            scores = self.weigh(torch.cat([asked.expand_as(z), z], -1))
        elif self.form == "tanh":
            scores = self.weigh(torch.tanh(self.ask(asked) + self.answer(z)))
        else:
            return (self.ask(asked) * self.answer(z)).sum(-1) / math.sqrt(z.shape[-1])
        return scores.squeeze(-1)


def heat_map(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean of the attentions of the kept blocks, each (batch, patches), as a grid (batch, grid, grid)."""
    mean = torch.stack(list(weights)).mean(0)
    side = math.isqrt(mean.shape[1])
    return mean.view(-1, side, side)


class MemeDetectorConfig(BaseModel):
    """Sizes of a meme detector; as they stand 0.2 million parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    vision: VisionTransformerConfig = VisionTransformerConfig(
        size=96, patch=12, dim=64, depth=4, heads=4, mlp=128, dropout=0.1
    )
    score: Score | None = Field("tanh", description="form of the attention; None: the class token alone decides")
    kept: tuple[int, ...] = Field((), description="blocks attended to, from 1; none named: every second, from 1")
    hidden: int = Field(128, ge=1, description="hidden size of the head")
    dropout: float = Field(0.5, ge=0, lt=1, description="of the class token and in the head")

    @model_validator(mode="after")
    def _check_blocks(self) -> Self:
        if any(not 1 <= block <= self.vision.depth for block in self.kept):
            message = f"kept blocks {self.kept}, but there are blocks 1 to {self.vision.depth}"
            raise ValueError(message)
        return self

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks that are attended to, from 1."""
        return self.kept or tuple(range(1, self.vision.depth + 1, 2))


class Look(NamedTuple):
    """Logits of the two classes (batch, 2), and where it looked (batch, grid, grid); None without attention."""

    logits: torch.Tensor
    heat: torch.Tensor | None


class MemeDetector(nn.Module):
    """Pictures to image macro or plain; `attend` is None in the plain vision transformer."""

    def __init__(self, config: MemeDetectorConfig) -> None:
        super().__init__()
        self.config, self.vision = config, VisionTransformer(config.vision)
        self.attend = TrainableAttention(config.vision.dim, config.score) if config.score else None
        width = config.vision.dim * (len(config.blocks) if config.score else 1)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            nn.Linear(width, config.hidden), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, 2)
        )

    def forward(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Logits (batch, 2) of `pictures` (batch, 3, size, size), normalised."""
        return self.look(batch["pictures"]).logits

    def look(self, pictures: torch.Tensor) -> Look:
        """Decide, and say where the decision looked."""
        states = self.vision(pictures)
        y = self.dropout(states.pooled)
        if self.attend is None:
            return Look(self.head(y), None)
        looks = [self.attend(y, states.layers[block - 1]) for block in self.config.blocks]
        logits = self.head(torch.cat([one.glimpse for one in looks], -1))
        return Look(logits, heat_map([one.weights for one in looks]))


class MemePictureDetector:
    """`trained:FOLDER` as a `Detector`: one finding a picture, `meme` with its score and its heat map."""

    def __init__(self, model: MemeDetector, meme: int, name: str, fingerprint: str) -> None:
        """Take a model in evaluation mode; `meme` is the number of the class of memes."""
        self.name, self.fingerprint = name, fingerprint
        self._model, self._meme = model, meme

    @classmethod
    def of_trained(cls, trained: Trained, runtime: Runtime) -> Self:
        """Build it from its folder."""
        del runtime  # it loads no other model
        model = trained.fill(MemeDetector(MemeDetectorConfig.model_validate(trained.settings)))
        return cls(model, meme_class(trained.classes), trained.name, trained.fingerprint)

    def detect(self, picture: Pictures.Image) -> list[Finding]:
        """Give label `meme`, confidence (the score, 0..1) and heat (rows of patches that sum to 1)."""
        with torch.inference_mode():
            look = self._model.look(picture_tensor(picture, self._model.config.vision.size)[None])
        score = float(look.logits.softmax(-1)[0, self._meme])
        return [Finding(label="meme", confidence=score, heat=None if look.heat is None else _rows(look.heat[0]))]


def meme_class(classes: Sequence[str]) -> int:
    """Number of the class of memes. Raises `UsageError` unless there are two classes and one of them is it."""
    named = [number for number, name in enumerate(classes) if name.lower() in MEME]
    if len(classes) != 2 or len(named) != 1:
        known = ", ".join(repr(name) for name in classes)
        raise UsageError(f"the classes are {known}.", remedy="Label posts `meme` (or `macro`) and `plain`.")
    return named[0]


def _rows(heat: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(value, 6) for value in row) for row in heat.tolist())
