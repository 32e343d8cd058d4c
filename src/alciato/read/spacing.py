"""Spacing: gives back the spaces that text recognition lost between words set in tight capitals.

Method: the most probable split under independent words (Norvig, "Natural Language Corpus Data", in
Beautiful Data, 2009), found by dynamic programming; frequencies from `wordfreq`.

    best(i) = max over j < i of best(j) + log10 p(word[j:i])

A split is taken only where the spacing is in doubt: it must be far more probable than the word as it
stands and hold a function word of the language; once one word of a picture has been split, the spacing of
that picture is known to be bad and less proof is asked of the others. Links, hashtags, mentions, words
with digits, scripts without spaces and every word that the language has are left alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

LANGUAGES = frozenset({
    "bg", "ca", "cs", "da", "de", "el", "en", "es", "fi", "fr", "hu", "id", "is", "it", "lt", "lv", "mk", "ms",
    "nb", "nl", "pl", "pt", "ro", "ru", "sh", "sk", "sl", "sv", "tr", "uk", "vi",
})  # fmt: skip
INFLECTING = LANGUAGES - {"en", "es", "fr", "id", "it", "ms", "pt", "vi"}  # new words by prefix, ending, compound
COMPOUNDING = frozenset({"da", "de", "fi", "hu", "is", "nb", "nl", "sv", "tr"})  # long new words are normal here
ELIDING = frozenset({"ca", "fr", "it"})  # l'eau: two words, no space
ELIDED = re.compile(r"(.+?)(dell|nell|all|quest|qu|un|[cdjlmnst])", re.IGNORECASE)
ONE_LETTER = {
    "en": "ai", "es": "ayoeu", "fr": "ayà", "it": "aeèoi", "pt": "aeoéàó", "pl": "aiouwz", "ru": "авикосуя", "nl": "u",
    "tr": "o", "cs": "aikosuvz", "sk": "aikosuvz", "uk": "авзійуяєо", "ca": "aeioy", "ro": "ao", "sv": "iå", "da": "i",
    "nb": "iå", "bg": "авис", "hr": "aiouks", "sl": "aovzks",
}  # fmt: skip
RARE = 10**-7.0  # frequency below which the lists hold misspellings and joined words too
RAREST = {2: -4.0, 3: -4.5, 4: -6.0}  # log10 of the frequency that a piece of so many letters needs at least
FUNCTION_WORDS = 95
LONGEST, SHORTEST = 40, 3
UNKNOWN = -8.0  # log10 probability of a word that the language does not have; less for each of its letters
UNKNOWN_LETTER, UNKNOWN_LETTER_COMPOUNDING = -0.7, -0.45
CERTAIN, STRICT, LAX = 5.0, 3.0, 0.5  # how much more probable, in log10, a split must be; LAX in bad company
RUN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
LEFT_ALONE = re.compile(r"://|^www\.|[@#\d_/\\]|\w\.\w{2,}", re.IGNORECASE)


class Lexicon(NamedTuple):
    """Words of one language with the log10 of their frequency, and its function words."""

    language: str
    words: dict[str, float]
    function: frozenset[str]

    def whole(self, word: str) -> float:
        """Give the log10 probability of a word as it stands."""
        letter = UNKNOWN_LETTER_COMPOUNDING if self.language in COMPOUNDING else UNKNOWN_LETTER
        return self.words.get(word, UNKNOWN + letter * len(word))

    def piece(self, word: str) -> float | None:
        """Give the log10 probability of a word that a split may make; None where it may not."""
        if len(word) == 1 and word not in ONE_LETTER.get(self.language, ""):
            return None
        found = self.words.get(word)
        return found if found is not None and found >= RAREST.get(len(word), -9.0) else None


def respace(lines: Sequence[str], language: str | None) -> list[str]:
    """Split joined words in the lines of one picture. Lines in a language without frequencies come back as they are."""
    if language not in LANGUAGES:
        return list(lines)
    lexicon = _lexicon(language)
    strict = [_line(line, lexicon, bad_company=False) for line in lines]
    if strict == list(lines):
        return strict
    return [_line(line, lexicon, bad_company=True) for line in lines]


def _line(line: str, lexicon: Lexicon, *, bad_company: bool) -> str:
    words = re.split(r"(\s+)", line)
    return "".join(word if LEFT_ALONE.search(word) else _word(word, lexicon, bad_company) for word in words)


def _word(word: str, lexicon: Lexicon, bad_company: bool) -> str:
    def respaced(run: re.Match[str]) -> str:
        sides = _sides(run[0], lexicon) if lexicon.language in ELIDING else [run[0]]
        return "".join(" ".join(split(side, lexicon, bad_company=bad_company)) for side in sides)

    return RUN.sub(respaced, word)


def _sides(run: str, lexicon: Lexicon) -> list[str]:
    """Cut at apostrophes, and before the elided word in front of one where it is joined: mais, j'aime."""
    sides: list[str] = []
    for side in re.split(r"(?=['\u2019])", run):
        cut = ELIDED.fullmatch(side) if len(run) > len(side) else None
        joined = cut and _lower(side, lexicon.language) not in lexicon.words
        if cut and joined and _best(_lower(cut[1], lexicon.language), lexicon)[0]:
            sides += [cut[1], " ", cut[2]]
        else:
            sides += re.split(r"(['\u2019])", side)
    return sides


def split(word: str, lexicon: Lexicon, *, bad_company: bool = False) -> list[str]:
    """Split one run of letters, or give it back whole; letters and their case stay as they are."""
    lowered = _lower(word, lexicon.language)
    if not SHORTEST <= len(word) <= LONGEST or len(lowered) != len(word):
        return [word]
    pieces, probability = _best(lowered, lexicon)
    ends = accumulate(len(piece) for piece in pieces)
    parts = [word[end - len(piece) : end] for piece, end in zip(pieces, ends, strict=True)]
    gain = probability - lexicon.whole(lowered)
    if len(parts) < 2 or not _capitals_begin_words(parts):
        return [word]
    return parts if (gain >= LAX if bad_company else _convincing(parts, gain, lexicon)) else [word]


def _convincing(parts: list[str], gain: float, lexicon: Lexicon) -> bool:
    """Tell whether a split of a word among good company is right. Prefixes and endings look like function words."""
    word = "".join(parts)
    if gain < STRICT or _lower(word, lexicon.language) in lexicon.words:
        return False
    functional = [_lower(part, lexicon.language) in lexicon.function for part in parts]
    if word.istitle() and len(parts) == 2:  # a name may well end like a function word: Robotson
        return functional[0]
    if not any(functional):
        return gain >= CERTAIN and lexicon.language not in COMPOUNDING and min(map(len, parts)) >= 4
    capitals = word[1:] != word[1:].lower()
    return len(parts) > 2 or capitals or all(functional) or lexicon.language not in INFLECTING


def _best(word: str, lexicon: Lexicon) -> tuple[list[str], float]:
    """The most probable split into common words and its log10 probability; no pieces if there is none."""
    best: list[tuple[float, int]] = [(0.0, 0)]  # by end: probability so far, start of the last word
    for end in range(1, len(word) + 1):
        choices = [(-math.inf, 0)]
        for start in range(max(0, end - 24), end):
            piece = lexicon.piece(word[start:end]) if best[start][0] > -math.inf else None
            if piece is not None:
                choices.append((best[start][0] + piece, start))
        best.append(max(choices))
    if best[-1][0] == -math.inf:
        return [], -math.inf
    pieces: list[str] = []
    end = len(word)
    while end:
        start = best[end][1]
        pieces.insert(0, word[start:end])
        end = start
    return pieces, best[-1][0]


def _capitals_begin_words(parts: list[str]) -> bool:
    """Refuse a split that leaves a capital inside a word: iPhone is a name, theCaptain is two words."""
    return "".join(parts).isupper() or not any(letter.isupper() for part in parts for letter in part[1:])


def _lower(word: str, language: str) -> str:
    word = word.replace("\u2019", "'")
    if language == "tr":  # two letters i, each with its own capital
        word = word.replace("I", "ı").replace("İ", "i")  # noqa: RUF001 - the dotless letter is meant
    return word.lower()


@cache
def _lexicon(language: str) -> Lexicon:
    """Load one language; wordfreq's own copies, several times as big, are let go."""
    from wordfreq import get_frequency_dict, get_frequency_list

    found = get_frequency_dict(language, "best")
    words = {word: math.log10(p) for word, p in found.items() if p >= RARE and not any(map(str.isdigit, word))}
    get_frequency_dict.cache_clear()
    get_frequency_list.cache_clear()
    function = frozenset([word for word in words if len(word) > 1][:FUNCTION_WORDS])
    return Lexicon(language, words, function)
