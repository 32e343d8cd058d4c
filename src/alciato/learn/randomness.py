"""Seeds for every random number generator.

The trainer seeds anew before every forward pass, from (seed, step, process, piece). Dropout and whatever else is
drawn is then a function of these numbers alone: nothing has to be saved for a resumed run to be the same run.
"""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch on every device. Call it before a model is built: its weights are drawn."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # code of others draws from the global generator
    if torch.cuda.is_available():
        torch.manual_seed(seed)
    else:  # the same for the one generator that there is; `manual_seed` would write down a stack trace each time
        torch.default_generator.manual_seed(seed)
