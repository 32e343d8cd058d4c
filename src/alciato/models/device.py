"""Where `hf:` models run, and in which number type: the settings `device` and `dtype`.

`device = "auto"` is the first CUDA device, else Apple's MPS, else the CPU. `dtype = "auto"` is, on a GPU, the type in
which the weights were saved, and float32 on the CPU, where few processors compute in 16 bits.

Loading a model changes nothing of the process that another library may rely on. The number of PyTorch's threads is one
for the whole process: it is read from the environment when PyTorch is first imported. The loader sets the environment
for that moment (`openmp.py`), so that the setting `threads` is obeyed where Alciato brings PyTorch into the process: in
the command line and in worker processes. A program that imported PyTorch before keeps the number that it chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from alciato.errors import UsageError
from alciato.settings import Settings


def device_for(settings: Settings) -> str:
    """The device of the settings, such as `cuda:0`, as PyTorch names it. Raises `UsageError` if it is not there."""
    return "cpu" if settings.device == "cpu" else chosen_device(settings.device, torch_devices())


def chosen_device(wanted: str, there: Sequence[str]) -> str:
    """The first device of `there` (best first) that `wanted` names: `auto`, `cuda`, `cuda:1`, `mps` or `cpu`.

    Raises:
        UsageError: there is no such device; the remedy names those that are there.
    """
    for device in there:
        if wanted in ("auto", device, device.partition(":")[0]):
            return device
    raise UsageError(
        f"there is no device {wanted!r} on this machine (setting `device`).",
        remedy=f"Use `auto`, or one that is there: {', '.join(there)}.",
    )


def torch_devices() -> list[str]:
    """The devices that PyTorch finds, best first."""
    import torch

    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return [*cuda, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def dtype_for(settings: Settings, device: str) -> Any:
    """The number type of the weights: a `torch.dtype`, or `"auto"` for the one in which they were saved."""
    import torch

    if settings.dtype == "auto":
        return torch.float32 if device == "cpu" else "auto"
    return getattr(torch, settings.dtype)


def moved(tensors: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Inputs on the device of the model; numbers with a fraction in its number type too."""
    return {
        name: value.to(device=model.device, dtype=model.dtype if value.is_floating_point() else value.dtype)
        for name, value in tensors.items()
    }


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from writing advice and progress bars to standard error while a model is loaded."""
    from transformers import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
