"""A verdict as one line of JSON: what `alciato judge --json` prints."""

from __future__ import annotations

from alciato.item import Verdict


def verdict_line(verdict: Verdict) -> str:
    """Give the verdict's fields under their names (item, source, decision, scores, reasons …); no newline."""
    return verdict.model_dump_json()
