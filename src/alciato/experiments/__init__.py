"""Experiments: a claim, its premise and baselines, metrics over independent units, and a verdict by a declared rule.

An experiment is one file in `alciato/experiments/systems`. `alciato experiments list`, `run NAME`, `report`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
