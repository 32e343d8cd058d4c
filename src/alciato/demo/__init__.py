"""Builds real posts from what packages ship, and runs every verb over them.

Public: `build_demo`, `run_demo`, `DemoTruth`, `DemoResult`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.demo.build import build_demo
    from alciato.demo.result import DemoResult
    from alciato.demo.run import run_demo
    from alciato.demo.truth import DemoTruth, TruthPost

_HOMES = {
    "build_demo": "build",
    "run_demo": "run",
    "DemoResult": "result",
    "DemoTruth": "truth",
    "TruthPost": "truth",
}

__all__ = ["DemoResult", "DemoTruth", "TruthPost", "build_demo", "run_demo"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
