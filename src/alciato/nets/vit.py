"""Vision transformer (ViT): encodes a picture as patches and a class token.

Source: An Image is Worth 16x16 Words, arXiv 2010.11929, with pre-norm blocks and learned positions.
Shapes: pictures (batch, channels, size, size), normalised; n = (size / patch)^2 patches, row by row from top left.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from alciato.nets.attention import BackboneOutput, TransformerBlock, initialise_weights
from alciato.nets.pictures import HALF


class VisionTransformerConfig(BaseModel):
    """Sizes of a vision transformer; 2.7 million parameters by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["vit"] = "vit"
    size: int = Field(64, ge=4, description="side of the picture in pixels")
    patch: int = Field(8, ge=1, description="side of a patch in pixels")
    channels: int = Field(3, ge=1)
    dim: int = Field(192, ge=1)
    depth: int = Field(6, ge=1, description="blocks")
    heads: int = Field(3, ge=1)
    head_dim: int | None = Field(None, ge=1, description="of one head; None: dim / heads")
    mlp: int = Field(768, ge=1, description="hidden size of a block's MLP")
    dropout: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _check_divisions(self) -> Self:
        if self.size % self.patch:
            message = f"size {self.size} is not a multiple of patch {self.patch}"
            raise ValueError(message)
        if self.head_dim is None and self.dim % self.heads:
            message = f"dim {self.dim} is not a multiple of heads {self.heads}"
            raise ValueError(message)
        return self

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.size // self.patch


class VisionTransformer(nn.Module):
    """Encodes pictures: a vector for each picture, and vectors of its patches after every block."""

    mean: tuple[float, ...] = HALF
    std: tuple[float, ...] = HALF

    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        self.config, self.dim, self.size = config, config.dim, config.size
        self.embed = nn.Conv2d(config.channels, config.dim, config.patch, config.patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, config.dim).normal_(std=0.02))
        self.positions = nn.Parameter(torch.empty(1, 1 + config.grid**2, config.dim).normal_(std=0.02))
        self.dropout = nn.Dropout(config.dropout)
        block = (config.dim, config.heads, config.mlp, config.dropout, config.head_dim)
        self.blocks = nn.ModuleList(TransformerBlock(*block) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)
        initialise_weights(self)

    def forward(self, pictures: torch.Tensor) -> BackboneOutput:
        """Encode pictures (batch, channels, size, size).

        Returns:
            pooled: the normalised class token (batch, dim); tokens: normalised patches (batch, n, dim);
            layers: patches after each block, not normalised.
        """
        patches = self.embed(pictures).flatten(2).transpose(1, 2)  # (batch, n, dim)
        x = torch.cat([self.class_token.expand(len(patches), -1, -1), patches], 1)  # (batch, 1 + n, dim)
        x = self.dropout(x + self.positions)
        layers = []
        for block in self.blocks:
            x = block(x)
            layers.append(x[:, 1:])
        x = self.norm(x)
        return BackboneOutput(x[:, 0], x[:, 1:], tuple(layers))
