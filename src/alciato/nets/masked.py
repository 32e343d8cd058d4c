"""Masked-token transformer: some tokens are hidden, and told from all the others.

Source: BERT, arXiv 1810.04805; with a share that varies it is the generator of MaskGIT, arXiv 2202.04200. Tokens may
be of several modalities, each with its own embedding, as in 4M, arXiv 2312.06647.
Shapes: tokens, modalities (batch, length) int64; mask (batch, length), True for what is no padding.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alciato.nets.attention import Block, initialise, key_mask


class MaskedTransformerConfig(BaseModel):
    """Sizes of a masked-token transformer; as they stand 2.8 million parameters with bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["masked"] = "masked"
    vocabulary: int = Field(261, ge=1, description="tokens of all modalities together")
    modalities: int = Field(1, ge=1)
    length: int = Field(128, ge=1, description="tokens at most")
    dim: int = Field(192, ge=1)
    depth: int = Field(6, ge=1)
    heads: int = Field(3, ge=1)
    mlp: int = Field(768, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class MaskedTransformer(nn.Module):
    """Tokens, some of them hidden, to logits of every place."""

    def __init__(self, config: MaskedTransformerConfig) -> None:
        super().__init__()
        self.config, self.dim, self.length = config, config.dim, config.length
        self.embed = nn.Embedding(config.vocabulary, config.dim)
        self.modalities = nn.Embedding(config.modalities, config.dim)
        self.positions = nn.Parameter(torch.empty(1, config.length, config.dim).normal_(std=0.02))
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp, config.dropout) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.head = nn.Linear(config.dim, config.vocabulary)
        initialise(self)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor, modalities: torch.Tensor | None = None) -> torch.Tensor:
        """Give logits (batch, length, vocabulary); without `modalities` every token is of the first."""
        kinds = modalities if modalities is not None else torch.zeros_like(tokens)
        x = self.embed(tokens) + self.modalities(kinds) + self.positions[:, : tokens.shape[1]]
        seen = key_mask(mask).expand(-1, tokens.shape[1], -1)
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x))


class Hidden(NamedTuple):
    """Tokens with some hidden (batch, length), and which ones were (batch, length)."""

    tokens: torch.Tensor
    hidden: torch.Tensor


def hide(
    tokens: torch.Tensor, mask: torch.Tensor, share: float, number: int, generator: torch.Generator | None = None
) -> Hidden:
    """Put `number` in the place of a share of the real tokens, drawn at random, at least one a row.

    Args:
        tokens: (batch, length).
        mask: (batch, length), True for what is no padding.
        share: of the real tokens, in (0, 1].
        number: the token that means hidden.
        generator: draws; the global one if None.
    """
    draw = torch.rand(tokens.shape, generator=generator).masked_fill(~mask, 2.0)  # padding sorts last
    count = (mask.sum(1) * share).round().long().clamp(min=1)  # (batch,)
    rank = draw.argsort(1).argsort(1)  # (batch, length): 0 for the smallest draw
    hidden = (rank < count[:, None]) & mask
    return Hidden(tokens.masked_fill(hidden, number), hidden)
