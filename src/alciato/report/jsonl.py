"""Verdicts as lines of JSON: what `alciato judge --json` prints, and a file of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alciato.files import written_whole
from alciato.item import Verdict


def verdict_line(verdict: Verdict) -> str:
    """Give the verdict's fields under their names (item, source, decision, scores, reasons …); no newline."""
    return verdict.model_dump_json()


def write_jsonl(path: str | Path, verdicts: Iterable[Verdict]) -> int:
    """Write a verdict a line, all or nothing; give how many. Raises `AlciatoError` if the file cannot be written."""
    count = 0
    with written_whole(path, "the list of verdicts") as file:
        for verdict in verdicts:
            file.write(verdict_line(verdict) + "\n")
            count += 1
    return count
