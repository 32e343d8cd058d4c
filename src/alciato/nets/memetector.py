"""MemeTector: tells image macros from plain pictures; its attention gives a heat map of the evidence.

Source: Koutlis, Schinas and Papadopoulos, arXiv 2205.13268 (page: memetector).
The background of a macro is itself a plain picture. Visual part utilization (VPU) trains the largest text-free crop of
a macro, its visual part, as a plain picture, so that only the words drawn over it tell the classes apart. A trainable
attention over the patch states z of earlier blocks, with the class token y as query, weighs them for the decision:
alpha = softmax_j score(y, z_j),  g = sum_j alpha_j z_j,  heat map = mean of alpha over the kept blocks.
Shapes: y (batch, dim), z (batch, patches, dim), alpha (batch, patches), heat map (batch, grid, grid), sums to 1.
The detector that reads posts with a trained network is `alciato.read.memetector`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from alciato.errors import UsageError
from alciato.item import Box
from alciato.nets.vit import VisionTransformer, VisionTransformerConfig

CropSearch = Literal["exact", "grid"]
AttentionScore = Literal["tanh", "dot", "additive-linear"]
M = TypeVar("M")
T = TypeVar("T")


class VisualPart(NamedTuple):
    """A text-free crop, in pixels, and its share of the picture's area, 0..1."""

    box: Box
    share: float


def largest_text_free_crop(
    size: tuple[int, int], boxes: Sequence[Box], *, search: CropSearch = "exact", least: float = 0.1
) -> VisualPart | None:
    """Find the largest rectangle of a picture that overlaps no box; None where its share is below `least`.

    Args:
        size: width and height of the picture in pixels.
        boxes: of the words, in pixels; what lies outside the picture does not count.
        search: `exact`, or the paper's `grid` (shares 0.90, 0.85 .. 0.10; ten shapes; ten by ten places), which
            finds a smaller part, and never the whole picture.
        least: smallest share of the area that is accepted.
    """
    width, height = size
    clipped = [Box(max(b[0], 0), max(b[1], 0), min(b[2], width), min(b[3], height)) for b in boxes]
    solid = [box for box in clipped if box.left < box.right and box.top < box.bottom]
    found = _exact(width, height, solid) if search == "exact" else _on_grid(width, height, solid)
    return found if found and found.share >= least else None


def _exact(width: int, height: int, boxes: Sequence[Box]) -> VisualPart | None:
    """Try every pair of vertical edges; between two edges the tallest gap between boxes is the largest rectangle."""
    best, area = None, 0.0
    lefts = sorted({0.0, *(box.right for box in boxes)})
    rights = sorted({float(width), *(box.left for box in boxes)}, reverse=True)
    for left in lefts:
        for right in rights:
            if (right - left) * height <= area:
                break
            between = (box for box in boxes if box.left < right and box.right > left)
            top, bottom = _tallest_gap(height, sorted((box.top, box.bottom) for box in between))
            if (right - left) * (bottom - top) > area:
                best, area = Box(left, top, right, bottom), (right - left) * (bottom - top)
    return VisualPart(best, area / (width * height)) if best else None


def _tallest_gap(height: int, spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Top and bottom of the tallest interval that no span covers; spans are sorted by their tops."""
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
        tight = 1e-9  # rounding must not make adjacent boxes overlap
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
    """Number of plain pictures from each source."""

    with_words: int
    without_words: int
    visual_parts: int


def mixture(count: int, vpu: float = 1 / 3, text_presence: float = 1.0) -> Mixture:
    """Divide `count` plain pictures: shares (1 - vpu) text, (1 - vpu) (1 - text) and vpu.

    The remainder of rounding goes to the first source with a share above 0. Raises `UsageError` for invalid shares.
    """
    for name, value in (("vpu", vpu), ("text_presence", text_presence)):
        if not 0 <= value <= 1:
            raise UsageError(f"{name} is {value:g}.", remedy="It is a share: 0 to 1.")
    shares = ((1 - vpu) * text_presence, (1 - vpu) * (1 - text_presence), vpu)
    counts = [int(count * share + 1e-9) for share in shares]
    counts[next(place for place, share in enumerate(shares) if share > 0)] += count - sum(counts)
    return Mixture(*counts)


class PlainPictures(NamedTuple, Generic[T, M]):
    """The plain class by source; a visual part is named by the meme that it is cut from."""

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
) -> PlainPictures[T, M]:
    """Sample the plain class from three sources.

    Args:
        memes: those that have a visual part.
        with_words: plain pictures that contain words.
        without_words: plain pictures without words.
        vpu: share of visual parts.
        text_presence: share of pictures with words among the others.
        count: size of the plain class; None: as many as there are memes.
        seed: of the sampling.

    Where one source of plain pictures is too small, the other fills up; sampling is without replacement.
    """
    wanted = mixture(len(memes) if count is None else count, vpu, text_presence)
    rest = wanted.with_words + wanted.without_words
    worded = min(len(with_words), max(wanted.with_words, rest - len(without_words)))
    bare = min(len(without_words), rest - worded)
    random = Random(seed)  # noqa: S311 - samples examples, not a secret
    return PlainPictures(
        tuple(random.sample(list(with_words), worded)),
        tuple(random.sample(list(without_words), bare)),
        tuple(random.sample(list(memes), min(wanted.visual_parts, len(memes)))),
    )


class AttentionPooling(NamedTuple):
    """Weights of the patches (batch, patches), which sum to 1, and the weighted sum of the patches (batch, dim)."""

    weights: torch.Tensor
    pooled: torch.Tensor


class TrainableAttention(nn.Module):
    """Attention over patches with the class token as query.

    `tanh`: w . tanh(U y + V z_j). `dot`: (U y) . (V z_j) / sqrt(dim). `additive-linear`, as published:
    w . [y; z_j] + b, where y adds the same constant to every score, so that the softmax cancels it and no gradient
    reaches the class token. One module serves all kept blocks.
    """

    def __init__(self, dim: int, score: AttentionScore = "tanh") -> None:
        super().__init__()
        self.form = score
        if score == "additive-linear":
            self.score_layer = nn.Linear(2 * dim, 1)
            return
        self.query, self.key = nn.Linear(dim, dim), nn.Linear(dim, dim)
        if score == "tanh":
            self.score_layer = nn.Linear(dim, 1)

    def forward(self, y: torch.Tensor, z: torch.Tensor) -> AttentionPooling:
        """Attend to z (batch, patches, dim) by y (batch, dim)."""
        weights = self._score(y, z).softmax(-1)  # (batch, patches)
        return AttentionPooling(weights, torch.einsum("bn,bnd->bd", weights, z))

    def _score(self, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        query = y[:, None]  # (batch, 1, dim)
        if self.form == "additive-linear":
            scores = self.score_layer(torch.cat([query.expand_as(z), z], -1))
        elif self.form == "tanh":
            scores = self.score_layer(torch.tanh(self.query(query) + self.key(z)))
        else:
            return (self.query(query) * self.key(z)).sum(-1) / math.sqrt(z.shape[-1])
        return scores.squeeze(-1)


def heat_map(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean of the attention weights of the kept blocks, each (batch, patches), as a grid (batch, grid, grid)."""
    mean = torch.stack(list(weights)).mean(0)
    side = math.isqrt(mean.shape[1])
    return mean.view(-1, side, side)


class MemeDetectorConfig(BaseModel):
    """Sizes of a meme detector; 0.2 million parameters by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    vision: VisionTransformerConfig = VisionTransformerConfig(
        size=96, patch=12, dim=64, depth=4, heads=4, mlp=128, dropout=0.1
    )
    score: AttentionScore | None = Field("tanh", description="form of the attention; None: class token only")
    kept: tuple[int, ...] = Field((), description="blocks that are attended to, from 1; empty: every second block")
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


class MemeOutput(NamedTuple):
    """Logits of the two classes (batch, 2) and the heat map (batch, grid, grid), None without attention."""

    logits: torch.Tensor
    heat: torch.Tensor | None


class MemeDetector(nn.Module):
    """Classifies pictures as image macro or plain; `attend` is None for a plain vision transformer."""

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
        return self.classify(batch["pictures"]).logits

    def classify(self, pictures: torch.Tensor) -> MemeOutput:
        """Classify pictures (batch, 3, size, size) and return the heat map of the attention."""
        states = self.vision(pictures)
        y = self.dropout(states.pooled)
        if self.attend is None:
            return MemeOutput(self.head(y), None)
        pooled = [self.attend(y, states.layers[block - 1]) for block in self.config.blocks]
        logits = self.head(torch.cat([one.pooled for one in pooled], -1))
        return MemeOutput(logits, heat_map([one.weights for one in pooled]))
