"""Hugging Face backbones from a local folder, behind the same calls as our own.

Only safetensors are loaded and no code of a repository is run. A folder is what `save_pretrained` writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alciato.errors import ModelError
from alciato.nets.attention import States


class Pretrained(BaseModel):
    """A Hugging Face model in a local folder, in the place of a configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["pretrained"] = "pretrained"
    folder: str = Field(min_length=1)


class PretrainedVision(nn.Module):
    """Any vision transformer of transformers whose first token stands for the whole."""

    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    deviation: tuple[float, ...] = (0.5, 0.5, 0.5)

    def __init__(self, config: Pretrained) -> None:
        super().__init__()
        self.model = _load("AutoModel", config.folder)
        sizes = getattr(self.model.config, "vision_config", self.model.config)
        self.model = getattr(self.model, "vision_model", self.model)  # of a CLIP, the half that sees
        self.config, self.dim, self.size = config, int(sizes.hidden_size), int(sizes.image_size)
        self._read_normalisation(Path(config.folder) / "preprocessor_config.json")

    def _read_normalisation(self, path: Path) -> None:
        if path.is_file():
            import json

            document = json.loads(path.read_text("utf-8"))
            self.mean = tuple(document.get("image_mean", self.mean))
            self.deviation = tuple(document.get("image_std", self.deviation))

    def forward(self, pictures: torch.Tensor) -> States:
        """Encode pictures (batch, 3, size, size), normalised by `mean` and `deviation`."""
        out = self.model(pixel_values=pictures, output_hidden_states=True)
        x = out.last_hidden_state  # (batch, 1 + n, dim)
        return States(x[:, 0], x[:, 1:], tuple(layer[:, 1:] for layer in out.hidden_states[1:]))


class PretrainedText(nn.Module):
    """Any encoder of transformers, pooled at its first token."""

    def __init__(self, config: Pretrained) -> None:
        super().__init__()
        self.model = _load("AutoModel", config.folder)
        self.config, self.dim = config, int(self.model.config.hidden_size)
        self.length = int(self.model.config.max_position_embeddings)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> States:
        """Encode tokens (batch, length)."""
        out = self.model(input_ids=tokens, attention_mask=mask.long(), output_hidden_states=True)
        x = out.last_hidden_state
        return States(x[:, 0], x, tuple(out.hidden_states[1:]))


class PretrainedDecoder(nn.Module):
    """Any causal language model of transformers, with a projection that brings a picture into it."""

    def __init__(self, config: Pretrained, prefix_dim: int) -> None:
        super().__init__()
        self.model = _load("AutoModelForCausalLM", config.folder)
        self.config, self.dim = config, int(self.model.config.hidden_size)
        self.length = int(self.model.config.max_position_embeddings)
        self.project = nn.Linear(prefix_dim, self.dim)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor, prefix: torch.Tensor | None = None) -> torch.Tensor:
        """Give logits (batch, length, vocabulary). The prefix is causal here: its vectors see those before them."""
        x, before = self.model.get_input_embeddings()(tokens), 0
        if prefix is not None:
            before = prefix.shape[1]
            x = torch.cat([self.project(prefix), x], 1)
            mask = torch.cat([mask.new_ones(len(mask), before), mask], 1)
        out: torch.Tensor = self.model(inputs_embeds=x, attention_mask=mask.long()).logits[:, before:]
        return out


class PretrainedMasked(nn.Module):
    """Any masked language model of transformers; one modality."""

    def __init__(self, config: Pretrained) -> None:
        super().__init__()
        self.model = _load("AutoModelForMaskedLM", config.folder)
        self.config, self.dim = config, int(self.model.config.hidden_size)
        self.length = int(self.model.config.max_position_embeddings)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor, modalities: torch.Tensor | None = None) -> torch.Tensor:
        """Give logits (batch, length, vocabulary)."""
        if modalities is not None and bool((modalities != 0).any()):
            raise ModelError("a pretrained language model has one modality, but several were given.")
        out: torch.Tensor = self.model(input_ids=tokens, attention_mask=mask.long()).logits
        return out


class PretrainedTokenizer:
    """The tokenizer of a folder, behind the calls of our own."""

    def __init__(self, folder: str) -> None:
        self._folder, self._tokenizer = folder, _load("AutoTokenizer", folder)
        self.vocabulary = len(self._tokenizer)
        self.pad, self.mask = self._number("pad_token_id"), self._number("mask_token_id")
        self.start = self._number("cls_token_id", "bos_token_id")
        self.end = self._number("sep_token_id", "eos_token_id")

    def _number(self, *names: str) -> int:
        """Number of a special token; one that the tokenizer lacks takes the place of its end token, or 0."""
        found = (getattr(self._tokenizer, name, None) for name in (*names, "eos_token_id"))
        return next((int(number) for number in found if number is not None), 0)

    def encode(self, text: str) -> list[int]:
        """Give the numbers of a text, without start and end."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, numbers: Iterable[int]) -> str:
        """Give the text of numbers."""
        return str(self._tokenizer.decode(list(numbers), skip_special_tokens=True))

    def document(self) -> dict[str, Any]:
        """Name the folder."""
        return {"kind": "pretrained", "folder": self._folder}


def _load(auto: str, folder: str) -> Any:
    """Load one thing from a folder, never from the network, never with code from it."""
    import transformers

    if not (Path(folder) / "config.json").is_file():
        raise ModelError("there is no config.json.", where=folder, remedy="Name a folder that save_pretrained wrote.")
    weights = {"use_safetensors": True} if auto != "AutoTokenizer" else {}
    try:
        return getattr(transformers, auto).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **weights
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"it cannot be loaded ({error}).", where=folder, remedy="Save it with safetensors and its tokenizer."
        ) from error
