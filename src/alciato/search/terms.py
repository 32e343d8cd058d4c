"""Terms: which share of a query's term weight a text holds, and how well a word matches inside another one.

Weight of a term = 8 - Zipf frequency (wordfreq) in the query's language, none from `COMMON` on: `the` says nothing
of the matter. Scripts without spaces are compared by pairs of letters. Accents and case do not count, and neither
does an ending: of two words that share a long beginning, one is taken for a form of the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

COMMON = 5.6
"""Zipf frequency from which a word says nothing of the matter: who, the, what, is."""
STEM = 4
"""Letters that two forms of a word share at least."""
SHORTEST_PART = 3
"""Letters of the shortest word that is looked for inside others: the length of a trigram."""
_WORD = re.compile(r"[^\W_]+(?:['\u0300-\u036f\u0900-\u0dff\u0e31-\u0e4e]+[^\W_]*)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")


def folded(text: str) -> str:
    """Small letters without accents; the marks that Indic scripts write vowels with stay."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f")


@lru_cache(maxsize=4096)
def terms_of(text: str) -> tuple[str, ...]:
    """Words in order, folded; runs of a script without spaces as pairs of letters."""
    found: list[str] = []
    for word in _WORD.findall(folded(text)):
        run = _UNSPACED.fullmatch(word)
        found += [word[i : i + 2] for i in range(len(word) - 1)] if run and len(word) > 2 else [word]
    return tuple(found)


@lru_cache(maxsize=256)
def term_weights(query: str) -> Mapping[str, float]:
    """Weight of each of a query's terms; all terms weigh 1 where none is rare enough."""
    terms = list(dict.fromkeys(terms_of(query)))
    language = _language(query)
    weights = {term: _rarity(term, language) for term in terms}
    rare = {term: weight for term, weight in weights.items() if weight > 0}
    return rare or dict.fromkeys(terms, 1.0)


def weighted_overlap(weights: Mapping[str, float], text: str) -> float:
    """Share of the weights whose terms the text holds, 0..1."""
    total = sum(weights.values())
    here = set(terms_of(text))
    found = sum(weight for term, weight in weights.items() if term in here or _has_form_of(term, here))
    return found / total if total else 0.0


def _has_form_of(term: str, here: Iterable[str]) -> bool:
    beginning = term[:STEM]  # most words begin otherwise: that is seen without a call
    return any(other.startswith(beginning) and same(term, other) for other in here)


def same(word: str, other: str) -> bool:
    """Tell whether two words are forms of one: they share all but an ending of up to three letters."""
    if word == other:
        return True
    shorter = min(len(word), len(other))
    stem = max(STEM, shorter - 2)
    return shorter >= STEM and abs(len(word) - len(other)) <= 3 and word[:stem] == other[:stem]


def part_similarity(word: str, text: str) -> float:
    """Similarity of a word and the most similar stretch of a text of its length, 0..1; spaces and case do not count.

    It is 1 - d / 2n, with d the letters to insert or delete and n the letters of the word (rapidfuzz's `ratio` of the
    best window). A stretch that shares no trigram with the word counts as 0, since no index could have found it.
    """
    from rapidfuzz import fuzz

    flat = "".join(folded(text).split())
    if word in flat:
        return 1.0
    if not any(word[i : i + SHORTEST_PART] in flat for i in range(len(word) - SHORTEST_PART + 1)):
        return 0.0
    if len(flat) <= len(word):
        return float(fuzz.ratio(word, flat)) / 100
    return float(fuzz.partial_ratio(word, flat)) / 100


def _rarity(term: str, language: str) -> float:
    from wordfreq import zipf_frequency

    if _UNSPACED.match(term):
        return 4.0  # pairs of letters have no frequency of their own
    frequency = zipf_frequency(term, language, minimum=0.0)
    return 0.0 if frequency >= COMMON else 8 - frequency


def _language(query: str) -> str:
    """Language whose word frequencies apply; English where there are none, or none is clear."""
    from alciato.read.language import detect

    code = detect(query).code or "en"
    return code if code in _languages() else "en"


@cache
def _languages() -> frozenset[str]:
    """Languages with frequencies of words; looked up once, since wordfreq lists its folder each time."""
    from wordfreq import available_languages

    return frozenset(available_languages()) - {"zh", "ja", "ko"}
