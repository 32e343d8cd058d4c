"""Compact networks that learned parts share, a few million parameters each; every size is a configuration.

`build_vision`, `build_text`, `build_decoder` and `build_masked` take a configuration of our own small networks, or
`Pretrained(folder=…)`, a Hugging Face model in a local folder: the code around them is the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.models.backbones.attention import Block, States
    from alciato.models.backbones.build import (
        build_decoder,
        build_masked,
        build_text,
        build_tokenizer,
        build_vision,
    )
    from alciato.models.backbones.decoder import CausalDecoder, CausalDecoderConfig
    from alciato.models.backbones.masked import MaskedTransformer, MaskedTransformerConfig, hide
    from alciato.models.backbones.pictures import normalised, picture_tensor, resized
    from alciato.models.backbones.pretrained import Pretrained
    from alciato.models.backbones.text import TextEncoder, TextEncoderConfig
    from alciato.models.backbones.tokenizers import ByteTokenizer, Tokenizer, WordTokenizer, as_tensors
    from alciato.models.backbones.vit import VisionTransformer, VisionTransformerConfig

_HOMES = {
    "Block": "attention",
    "ByteTokenizer": "tokenizers",
    "CausalDecoder": "decoder",
    "CausalDecoderConfig": "decoder",
    "MaskedTransformer": "masked",
    "MaskedTransformerConfig": "masked",
    "Pretrained": "pretrained",
    "States": "attention",
    "TextEncoder": "text",
    "TextEncoderConfig": "text",
    "Tokenizer": "tokenizers",
    "VisionTransformer": "vit",
    "VisionTransformerConfig": "vit",
    "WordTokenizer": "tokenizers",
    "as_tensors": "tokenizers",
    "build_decoder": "build",
    "build_masked": "build",
    "build_text": "build",
    "build_tokenizer": "build",
    "build_vision": "build",
    "hide": "masked",
    "normalised": "pictures",
    "picture_tensor": "pictures",
    "resized": "pictures",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "Block",
    "ByteTokenizer",
    "CausalDecoder",
    "CausalDecoderConfig",
    "MaskedTransformer",
    "MaskedTransformerConfig",
    "Pretrained",
    "States",
    "TextEncoder",
    "TextEncoderConfig",
    "Tokenizer",
    "VisionTransformer",
    "VisionTransformerConfig",
    "WordTokenizer",
    "as_tensors",
    "build_decoder",
    "build_masked",
    "build_text",
    "build_tokenizer",
    "build_vision",
    "hide",
    "normalised",
    "picture_tensor",
    "resized",
]
