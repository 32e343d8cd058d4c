"""Tokens counted: one meter for each model, and one for the whole process."""

from __future__ import annotations

from threading import Lock

from alciato.models.protocols import Usage


class Meter:
    """Adds up usage from any thread; whatever is added also counts for the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._total = Usage()
        self._calls = 0

    def add(self, usage: Usage) -> None:
        """Count one call."""
        with self._lock:
            self._total += usage
            self._calls += 1
        if self is not PROCESS:
            PROCESS.add(usage)

    @property
    def total(self) -> Usage:
        """Tokens so far."""
        return self._total

    @property
    def calls(self) -> int:
        """Calls so far."""
        return self._calls


PROCESS = Meter()
"""All models of this process."""
