"""Transformer block of all backbones: pre-norm self-attention, then pre-norm MLP.

Source: Attention Is All You Need, arXiv 1706.03762; normalisation before each sublayer as in arXiv 2002.04745.
x <- x + A(norm(x)),  x <- x + M(norm(x)),  A = softmax(q k^T / sqrt(d)) v over `heads` heads, M = W2 gelu(W1 x).
Shapes: x (batch, tokens, dim); mask (batch or 1, queries, keys), True where a query attends to a key.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class BackboneOutput(NamedTuple):
    """Output of a backbone: one vector for the input, one for each token, and the tokens after each block.

    pooled (batch, dim); tokens (batch, tokens, dim), patches or words; layers: (batch, tokens, dim) for each block.
    """

    pooled: torch.Tensor
    tokens: torch.Tensor
    layers: tuple[torch.Tensor, ...] = ()


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.project_in = nn.Linear(dim, 3 * heads * head_dim)
        self.project_out = nn.Linear(heads * head_dim, dim)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Map (batch, tokens, dim) to the same shape."""
        batch, tokens, _ = x.shape
        heads = self.project_in(x).view(batch, tokens, 3, self.heads, -1)  # (batch, tokens, 3, heads, head_dim)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, head_dim)
        mask = mask[:, None] if mask is not None else None  # (batch, 1, queries, keys): the same for every head
        dropout = self.dropout if self.training else 0.0
        out = functional.scaled_dot_product_attention(query, key, value, mask, dropout)
        return self.project_out(out.transpose(1, 2).reshape(batch, tokens, -1))


class TransformerBlock(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, dim: int, heads: int, mlp: int, dropout: float = 0.0, head_dim: int | None = None) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, head_dim or dim // heads, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(dim, mlp), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp, dim), nn.Dropout(dropout)
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Map (batch, tokens, dim) to the same shape."""
        x = x + self.attention(self.attention_norm(x), mask)
        return x + self.mlp(self.mlp_norm(x))


def initialise_weights(module: nn.Module) -> None:
    """Initialise linear layers, convolutions and embeddings from N(0, 0.02) and biases with 0, as BERT and ViT do."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding | nn.Conv2d):
            nn.init.trunc_normal_(part.weight, std=0.02)
        if isinstance(part, nn.Linear | nn.Conv2d) and part.bias is not None:
            nn.init.zeros_(part.bias)


def key_mask(mask: torch.Tensor) -> torch.Tensor:
    """Expand a padding mask (batch, tokens) to (batch, 1, tokens): every query attends to every key but padding."""
    return mask[:, None, :]
