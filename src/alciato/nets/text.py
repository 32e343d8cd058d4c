"""Text encoder: a vector for each token and one for the text, the state of its start token.

Source: BERT, arXiv 1810.04805, with pre-norm blocks.
Shapes: tokens (batch, length) int64; mask (batch, length), True for real tokens. The content of
padding does not change the output of real tokens.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alciato.nets.attention import BackboneOutput, TransformerBlock, initialise_weights, key_mask


class TextEncoderConfig(BaseModel):
    """Sizes of a text encoder; 1.9 million parameters by default, over bytes."""

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
    """Encodes tokens."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config, self.dim, self.length = config, config.dim, config.length
        self.embed = nn.Embedding(config.vocabulary, config.dim)
        self.positions = nn.Parameter(torch.empty(1, config.length, config.dim).normal_(std=0.02))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(config.dim, config.heads, config.mlp, config.dropout) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.dim)
        initialise_weights(self)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> BackboneOutput:
        """Encode tokens (batch, length); pooled is the state of the first token."""
        x = self.dropout(self.embed(tokens) + self.positions[:, : tokens.shape[1]])
        attended = key_mask(mask).expand(-1, tokens.shape[1], -1)
        layers = []
        for block in self.blocks:
            x = block(x, attended)
            layers.append(x)
        x = self.norm(x)
        return BackboneOutput(x[:, 0], x, tuple(layers))
