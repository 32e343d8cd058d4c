"""What was not taken, where, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass

from alciato.errors import BadMedia
from alciato.item.values import clean_text


@dataclass(frozen=True)
class Skipped:
    """One file or row that was not taken.

    `reason` is a short stable word for programs, `message` a sentence for people. `row` counts from 1: the line of a
    JSONL or CSV file, the row of a Parquet file, the number of a Telegram message; None for a whole file.
    """

    path: str
    reason: str
    message: str
    row: int | None = None


def skipped(path: str | os.PathLike[str], error: BadMedia, row: int | None = None) -> Skipped:
    """Report an error."""
    advice = f" {error.remedy}" if error.remedy else ""
    return Skipped(clean_text(os.fspath(path)), error.reason, clean_text(f"{error.what}{advice}"), row)


def unreadable(error: OSError) -> BadMedia:
    """Say in our words why the system did not give a file."""
    if isinstance(error, FileNotFoundError):
        return BadMedia("missing-file", "it is not there.", remedy="Check the path.")
    if isinstance(error, PermissionError):
        return BadMedia("unreadable", "it may not be read.", remedy="Check its permissions.")
    return BadMedia("unreadable", f"it cannot be read ({error.strerror or error}).")
