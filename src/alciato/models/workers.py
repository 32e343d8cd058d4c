"""How many worker processes hold copies of some models: as many as cores, as far as memory goes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from alciato.executor import cores
from alciato.models.protocols import ModelInfo
from alciato.settings import Settings

PROCESS_BYTES, FACTOR = 400 * 2**20, 2
"""Memory of a worker without its models, and with them this many times the size of their weights."""


def worker_count(settings: Settings, models: Iterable[ModelInfo], batches: int) -> int:
    """Processes for so many batches. One where a model is on an accelerator, which holds one copy.

    Never more than the cores, or two: further copies of the models only take memory and time to start.
    """
    models = list(models)
    if any(model.device != "cpu" for model in models):
        return 1
    a_worker = PROCESS_BYTES + FACTOR * sum(model.size_bytes for model in models)
    fitting = max(1, _physical_memory() // 2 // a_worker)
    return int(min(settings.workers or cores(), max(2, cores()), fitting, batches))


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 * 2**30
