"""How long work tells how far it is: a verb calls `report(Progress(...))`, whoever shows it decides how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is. `total` is None while it is not known."""

    step: str
    done: int
    total: int | None = None
    skipped: int = 0


ProgressCallback = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """Show nothing."""
