"""From a configuration to a backbone: our own small network, or a pretrained one that answers to the same calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alciato.errors import unknown_name
from alciato.nets.decoder import CausalDecoder, CausalDecoderConfig
from alciato.nets.masked import MaskedTransformer, MaskedTransformerConfig
from alciato.nets.pretrained import (
    Pretrained,
    PretrainedDecoder,
    PretrainedMasked,
    PretrainedText,
    PretrainedTokenizer,
    PretrainedVision,
)
from alciato.nets.text import TextEncoder, TextEncoderConfig
from alciato.nets.tokenizers import ByteTokenizer, Tokenizer, WordTokenizer
from alciato.nets.vit import VisionTransformer, VisionTransformerConfig


def build_vision(config: VisionTransformerConfig | Pretrained) -> VisionTransformer | PretrainedVision:
    """Build pictures → `States`; attributes `dim`, `size`, `mean`, `deviation`."""
    return PretrainedVision(config) if isinstance(config, Pretrained) else VisionTransformer(config)


def build_text(config: TextEncoderConfig | Pretrained) -> TextEncoder | PretrainedText:
    """Build tokens, mask → `States`; attributes `dim`, `length`."""
    return PretrainedText(config) if isinstance(config, Pretrained) else TextEncoder(config)


def build_decoder(config: CausalDecoderConfig | Pretrained, prefix_dim: int = 192) -> CausalDecoder | PretrainedDecoder:
    """Build tokens, mask, prefix → logits; `prefix_dim` counts for a pretrained decoder, ours has it in its config."""
    return PretrainedDecoder(config, prefix_dim) if isinstance(config, Pretrained) else CausalDecoder(config)


def build_masked(config: MaskedTransformerConfig | Pretrained) -> MaskedTransformer | PretrainedMasked:
    """Build tokens with some hidden, mask, modalities → logits."""
    return PretrainedMasked(config) if isinstance(config, Pretrained) else MaskedTransformer(config)


def build_tokenizer(document: Mapping[str, Any]) -> Tokenizer:
    """Build the tokenizer of a `document`. Raises `UsageError` for a kind that does not exist."""
    kind = str(document.get("kind"))
    if kind == "bytes":
        return ByteTokenizer()
    if kind == "words":
        return WordTokenizer(document["words"])
    if kind == "pretrained":
        return PretrainedTokenizer(document["folder"])
    raise unknown_name("tokenizer", kind, ["bytes", "words", "pretrained"])
