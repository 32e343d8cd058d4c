"""Verdicts as lines of JSON: what `alciato judge --json` prints, and a file of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alciato.errors import AlciatoError
from alciato.item import Verdict


def verdict_line(verdict: Verdict) -> str:
    """Give the verdict's fields under their names (item, source, decision, scores, reasons …); no newline."""
    return verdict.model_dump_json()


def write_jsonl(path: str | Path, verdicts: Iterable[Verdict]) -> int:
    """Write a verdict a line; give how many. Raises `AlciatoError` if the file cannot be written."""
    path = Path(path).expanduser()
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for verdict in verdicts:
                file.write(verdict_line(verdict) + "\n")
                count += 1
    except OSError as error:
        raise AlciatoError(f"the verdicts cannot be written: {error.strerror}.", where=str(path)) from error
    return count
