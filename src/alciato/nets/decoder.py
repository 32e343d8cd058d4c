"""Causal decoder with a picture prefix: says the next token from a picture's vectors and the tokens before.

Source: GPT-2 for the decoder; vectors of a picture put before the words as in Frozen, arXiv 2106.13884.
Shapes: tokens (batch, length) int64; mask (batch, length); prefix (batch, vectors, prefix_dim).
A token sees the whole prefix, itself and what is before it; the prefix sees itself only.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alciato.nets.attention import Block, causal_mask, initialise


class CausalDecoderConfig(BaseModel):
    """Sizes of a causal decoder; as they stand 2.8 million parameters with bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["decoder"] = "decoder"
    vocabulary: int = Field(261, ge=1)
    length: int = Field(128, ge=2, description="tokens at most")
    prefix_dim: int = Field(192, ge=1, description="size of the vectors of a picture")
    dim: int = Field(192, ge=1)
    depth: int = Field(6, ge=1)
    heads: int = Field(3, ge=1)
    mlp: int = Field(768, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class CausalDecoder(nn.Module):
    """Tokens, after a prefix or none, to logits of the next token."""

    def __init__(self, config: CausalDecoderConfig) -> None:
        super().__init__()
        self.config, self.dim, self.length = config, config.dim, config.length
        self.embed = nn.Embedding(config.vocabulary, config.dim)
        self.positions = nn.Parameter(torch.empty(1, config.length, config.dim).normal_(std=0.02))
        self.project = nn.Linear(config.prefix_dim, config.dim)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp, config.dropout) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.head = nn.Linear(config.dim, config.vocabulary, bias=False)
        initialise(self)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor, prefix: torch.Tensor | None = None) -> torch.Tensor:
        """Give logits (batch, length, vocabulary): at each token, of the one after it."""
        x = self.embed(tokens) + self.positions[:, : tokens.shape[1]]
        before = 0
        if prefix is not None:
            before = prefix.shape[1]
            x = torch.cat([self.project(prefix), x], 1)  # (batch, vectors + length, dim)
            mask = torch.cat([mask.new_ones(len(mask), before), mask], 1)
        seen = causal_mask(mask)
        seen[:, :before, :before] = True
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x[:, before:]))
