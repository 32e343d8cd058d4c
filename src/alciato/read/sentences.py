"""Sentence segmentation and chunking: the one rule for where a sentence ends, in scripts with and without spaces.

A sentence ends

- behind `.`, `!`, `?`, `…` and their Arabic and Urdu forms, closing quotes and brackets included, where a space
  follows;
- behind the full stops of Chinese, Japanese, Bengali, Hindi, Burmese, Khmer and Ethiopic, whatever follows;
- at an empty line, and before a line that begins as an item of a list.

A number alone, such as the `1.` before an item of a list, is no sentence by itself. Thai and Lao write no full stop:
their sentences end at empty lines, and what is too long is cut at spaces.

Chunks are at most `size` long: whole sentences where they fit, else words, else characters, but never between a letter
and its marks where both fit. Length is counted in characters or in words; in scripts without spaces two letters count
as a word. Sentences and chunks are stretches of the text in its order; only white space between them is left out.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import Literal

Unit = Literal["characters", "words"]

_CLOSING = "\"'\u201d\u2019\u00bb)\\]}\u300d\u300f\uff09\u3011*_"
_STOP = "\u3002\uff01\uff1f\uff61\u0964\u0965\u104b\u17d4\u1362"
_END = re.compile(
    rf"(?<=[.!?\u2026\u061f\u06d4])[{_CLOSING}]*\s+"
    rf"|(?<=[{_STOP}])(?![{_STOP}])[{_CLOSING}]*\s*"
    r"|\n[^\S\n]*\n\s*|\n(?=[-*#>\u2022])"
)
_LETTER = re.compile(r"[^\W\d_]")
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
LETTERS_OF_A_WORD = 16
"""Letters without a space, such as an address, that count as one word: a text without spaces has a length, too."""
_LEADING_VOWELS = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
"""Vowels of Thai and Lao that are written before their consonant."""
_JOINER = "\u200d"


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences."""
    places = [0, *_sentence_ends(text), len(text)]
    pieces = (text[start:end].strip() for start, end in pairwise(places))
    return [piece for piece in pieces if piece]


def chunks(text: str, size: int, unit: Unit = "characters") -> list[str]:
    """Cut a text into chunks of at most `size` characters or words, at the ends of sentences where there are any."""
    if size < 1:
        raise ValueError(f"size is {size}, but a chunk has at least one {unit.removesuffix('s')}.")
    lengths = [0.0, *accumulate(_lengths(text, unit))]  # lengths[n]: length of the first n characters
    ends = _sentence_ends(text)
    found, start = [], 0
    while start < len(text):
        if text[start].isspace():
            start += 1
            continue
        # Inside a long word the first letter adds nothing to the text, but it is the first of a word in the chunk.
        missing = _lengths(text[start], unit)[0] - (lengths[start + 1] - lengths[start])
        furthest = bisect_right(lengths, lengths[start] + size - missing) - 1
        end = len(text) if furthest >= len(text) else _cut(text, start, furthest, ends)
        found.append(text[start:end].strip())
        start = end
    return found


def word_count(text: str) -> int:
    """Number of words; two letters of a script without spaces count as one."""
    return round(sum(_lengths(text, "words")))


def _sentence_ends(text: str) -> list[int]:
    """Places where a sentence ends and the next begins, in ascending order."""
    found, before = [], 0
    for match in _END.finditer(text):
        if match[0].startswith("\n") or _LETTER.search(text, before, match.start()):
            found.append(match.end())
        before = match.end()
    return found


def _lengths(text: str, unit: Unit) -> list[float]:
    """What each character adds to the length."""
    if unit == "characters":
        return [1.0] * len(text)
    found, place = [], 0  # place: letters since the last space or letter of an unspaced script
    for letter in text:
        if letter.isspace():
            place = 0
            found.append(0.0)
        elif UNSPACED.match(letter):
            place = 0
            found.append(0.5)
        else:
            found.append(1.0 if place % LETTERS_OF_A_WORD == 0 else 0.0)
            place += 1
    return found


def _cut(text: str, start: int, furthest: int, ends: list[int]) -> int:
    """Where a chunk that begins at `start` and reaches `furthest` at most ends: at a sentence, a space, a letter."""
    place = bisect_right(ends, furthest)
    if place and ends[place - 1] > start:
        return ends[place - 1]
    for end in range(furthest, start, -1):
        if text[end].isspace() or text[end - 1].isspace():
            return end
    for end in range(furthest, start, -1):
        if not _inside_a_letter(text, end):
            return end
    return furthest


def _inside_a_letter(text: str, end: int) -> bool:
    """Whether a cut would part a letter from its marks, a conjunct of an Indic script, or joined signs."""
    before, after = text[end - 1], text[end]
    return (
        unicodedata.category(after).startswith("M")
        or _JOINER in (before, after)
        or before in _LEADING_VOWELS
        or unicodedata.combining(before) == _VIRAMA
    )


_VIRAMA = 9
"""Combining class of the sign that joins the consonants of Indic scripts."""
