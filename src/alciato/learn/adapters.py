"""Adapters through peft: train a few added weights, leave the model as it is.

Sources: LoRA, arXiv 2106.09685 (W x + scale B A x, B begins at 0, so that the model begins unchanged); DoRA, arXiv
2402.09353; (IA)3, arXiv 2205.05638. They work on our own backbones and on pretrained ones alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from alciato.errors import ModelError, UsageError


class AdapterConfig(BaseModel):
    """Which adapter, and where it sits."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["lora", "dora", "ia3"] = "lora"
    rank: int = Field(8, ge=1, description="of the added matrices")
    scale: float = Field(16, gt=0, description="alpha: the change is weighed by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1)
    layers: tuple[str, ...] = Field(
        ("project_in", "project_out"), min_length=1, description="ends of the names of the linear layers"
    )
    trained: tuple[str, ...] = Field((), description="ends of the names of parts that are trained in full, as a head")


def add_adapter(model: nn.Module, config: AdapterConfig) -> nn.Module:
    """Put an adapter into a model; only the adapter and `config.trained` are trained from then on.

    Returns:
        the model in peft's wrapper: it is called as the model was.

    Raises:
        UsageError: no linear layer has a name that ends so; the names that there are.
    """
    import peft

    linear = [name for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    missing = [end for end in config.layers if not any(f".{name}".endswith(f".{end}") for name in linear)]
    if missing:
        known = sorted({name.split(".")[-1] for name in linear})
        raise UsageError(f"no linear layer is named {missing[0]!r}.", remedy=f"Known: {', '.join(known)}.")
    wrapped: nn.Module = peft.get_peft_model(model, _peft_config(config))
    return wrapped


def merge_adapter(model: nn.Module) -> nn.Module:
    """Add the adapter to the weights and take the wrapper off: the same function at no further cost."""
    merge: Any = getattr(model, "merge_and_unload", None)
    if merge is None:
        raise UsageError("the model has no adapter.")
    merged: nn.Module = merge()
    return merged


def save_adapter(model: nn.Module, folder: Path) -> None:
    """Write the adapter alone, as safetensors: a few kilobytes or megabytes."""
    save: Any = getattr(model, "save_pretrained", None)
    if save is None or not hasattr(model, "peft_config"):
        raise UsageError("the model has no adapter.")
    save(folder, safe_serialization=True)


def load_adapter(model: nn.Module, folder: Path) -> nn.Module:
    """Put a saved adapter into a model like the one that it was trained in. Only safetensors are loaded.

    Raises:
        ModelError: there is none, or it does not fit.
    """
    import peft

    if not (folder / "adapter_model.safetensors").is_file():
        raise ModelError("adapter_model.safetensors is missing.", where=str(folder), remedy="Save it as safetensors.")
    try:
        loaded: nn.Module = peft.PeftModel.from_pretrained(model, str(folder))
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"the adapter does not fit the model ({error}).", where=str(folder)) from error
    return loaded


def trained_share(model: nn.Module) -> float:
    """Share of the parameters that are trained, 0..1."""
    counts: Sequence[tuple[int, bool]] = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(count for count, trained in counts if trained) / sum(count for count, _ in counts)


def _peft_config(config: AdapterConfig) -> Any:
    import peft

    layers, whole = list(config.layers), list(config.trained) or None
    if config.kind == "ia3":
        return peft.IA3Config(target_modules=layers, feedforward_modules=[], modules_to_save=whole)
    return peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.scale,
        lora_dropout=config.dropout,
        target_modules=layers,
        modules_to_save=whole,
        use_dora=config.kind == "dora",
    )
