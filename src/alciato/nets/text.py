"""Text encoder: tokens to a vector each and one for the whole, the start token's.

Source: BERT, arXiv 1810.04805, with pre-norm blocks.
Shapes: tokens (batch, length) int64; mask (batch, length), True for what is no padding. What lies under the padding
changes nothing of the rest.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alciato.nets.attention import Block, States, initialise, key_mask


class TextEncoderConfig(BaseModel):
    """Sizes of a text encoder; as they stand 1.9 million parameters with bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["text"] = "text"
    vocabulary: int = Field(261, ge=1)
    length: int = Field(128, ge=2, description="tokens at most")
    dim: int = Field(192, ge=1)
    depth: int = Field(4, ge=1)
    heads: int = Field(3, ge=1)
    mlp: int = Field(768, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class TextEncoder(nn.Module):
    """Tokens to states."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config, self.dim, self.length = config, config.dim, config.length
        self.embed = nn.Embedding(config.vocabulary, config.dim)
        self.positions = nn.Parameter(torch.empty(1, config.length, config.dim).normal_(std=0.02))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp, config.dropout) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.dim)
        initialise(self)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> States:
        """Encode tokens (batch, length); pooled is the first token's state."""
        x = self.dropout(self.embed(tokens) + self.positions[:, : tokens.shape[1]])
        seen = key_mask(mask).expand(-1, tokens.shape[1], -1)
        layers = []
        for block in self.blocks:
            x = block(x, seen)
            layers.append(x)
        x = self.norm(x)
        return States(x[:, 0], x, tuple(layers))
