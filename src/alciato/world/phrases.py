"""Texts that stand on pictures: top and bottom lines of macros in nine languages, signs, labels, watermarks."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from alciato.errors import unknown_name
from alciato.world.concepts import words
from alciato.world.draw import Pool


class Phrase(NamedTuple):
    """The words of a macro: above and below."""

    language: str
    top: str
    bottom: str


def phrases(language: str) -> Pool[Phrase]:
    """The phrases of a language. Raises `UsageError` for one that has none."""
    found = _phrases()
    if language not in found:
        raise unknown_name("language of phrases", language, list(found))
    return found[language]


@cache
def _phrases() -> dict[str, Pool[Phrase]]:
    with (files("alciato.world") / "data" / "phrases.csv").open(encoding="utf-8") as file:
        rows = [Phrase(**row) for row in csv.DictReader(file)]
    languages = dict.fromkeys(row.language for row in rows)
    return {
        language: Pool(f"phrase {language}", [row for row in rows if row.language == language], key=lambda row: row.top)
        for language in languages
    }


PHRASE_LANGUAGES = ("en", "de", "fr", "es", "pt", "ru", "ja", "zh", "bn")
"""Languages that have phrases."""

SIGNS = words("sign")
"""Words of signs that stand in a scene."""

LABELS = words("label")
"""Words of labels on things."""

WATERMARKS = words("watermark")
"""Words of watermarks."""
