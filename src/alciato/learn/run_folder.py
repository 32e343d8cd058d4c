"""The folder of one training run.

config.json        the configuration, and what it was applied to
environment.json   versions, processor, threads
metrics.parquet    every figure: step, epoch, split, metric, value
plot.svg           the same as a picture
checkpoints/       where a run that was stopped goes on
best.safetensors   the weights that did best on the validation examples; without such examples, the last
"""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from alciato.files import written_whole

PACKAGES = ("alciato", "torch", "accelerate", "peft", "torchmetrics", "transformers", "safetensors", "numpy", "pillow")


def environment() -> dict[str, Any]:
    """Say what a run ran on: versions of the packages, machine, threads."""
    import os

    import torch

    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document, whole or not at all."""
    with written_whole(path, "the record of the training") as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
