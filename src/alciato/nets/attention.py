"""The transformer block that all our backbones are made of: pre-norm attention, then pre-norm MLP.

Source: Attention Is All You Need, arXiv 1706.03762; normalisation before each part as in arXiv 2002.04745.
x <- x + A(norm(x)),  x <- x + M(norm(x)),  A = softmax(q k^T / sqrt(d)) v over `heads` heads, M = W2 gelu(W1 x).
Shapes: x (batch, tokens, dim); mask (batch or 1, queries, keys), True where a query may look at a key.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class States(NamedTuple):
    """What a backbone makes of its input.

    pooled (batch, dim) stands for the whole; tokens (batch, tokens, dim) for its patches or words; layers has the
    tokens after each block, the first block first.
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
        seen = mask[:, None] if mask is not None else None  # (batch, 1, queries, keys): the same for every head
        dropout = self.dropout if self.training else 0.0
        out = functional.scaled_dot_product_attention(query, key, value, seen, dropout)
        return self.project_out(out.transpose(1, 2).reshape(batch, tokens, -1))


class Block(nn.Module):
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


def initialise(module: nn.Module) -> None:
    """Draw weights of linear layers and embeddings from N(0, 0.02), set biases to 0, as BERT and ViT do."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding | nn.Conv2d):
            nn.init.trunc_normal_(part.weight, std=0.02)
        if isinstance(part, nn.Linear | nn.Conv2d) and part.bias is not None:
            nn.init.zeros_(part.bias)


def key_mask(mask: torch.Tensor) -> torch.Tensor:
    """From real tokens (batch, tokens) to (batch, 1, tokens): every query sees every real key."""
    return mask[:, None, :]


def causal_mask(mask: torch.Tensor) -> torch.Tensor:
    """From real tokens (batch, tokens) to (batch, tokens, tokens): each sees itself and the real ones before it."""
    tokens = mask.shape[1]
    before = torch.ones(tokens, tokens, dtype=torch.bool, device=mask.device).tril()
    itself = torch.eye(tokens, dtype=torch.bool, device=mask.device)  # so that padding has something to look at
    return (before & mask[:, None, :]) | itself
