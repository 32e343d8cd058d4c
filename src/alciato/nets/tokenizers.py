"""Tokenizers of the compact text encoder: UTF-8 bytes for any language, or a small fixed vocabulary of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

import torch

PAD, START, END, MASK, UNKNOWN = range(5)
"""Special tokens of both tokenizers; tokens of text begin at 5."""
FIRST = 5
_WORD = re.compile(r"\w+|[^\w\s]")


class Tokenizer(Protocol):
    """Encodes text as token ids."""

    vocabulary: int
    pad: int
    start: int
    end: int
    mask: int

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text, without start and end."""
        ...

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of token ids; special tokens are skipped."""
        ...


class _SpecialTokens:
    pad, start, end, mask = PAD, START, END, MASK


class ByteTokenizer(_SpecialTokens):
    """One token for each byte of UTF-8: no unknown tokens, no vocabulary to store."""

    vocabulary = 256 + FIRST

    def encode(self, text: str) -> list[int]:
        """Return one id for each byte."""
        return [FIRST + byte for byte in text.encode("utf-8", "replace")]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text; bytes of a truncated character become U+FFFD."""
        return bytes(number - FIRST for number in numbers if number >= FIRST).decode("utf-8", "replace")


class WordTokenizer(_SpecialTokens):
    """One token for each lower-case word or punctuation mark of a fixed vocabulary; all others are `UNKNOWN`."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.vocabulary = FIRST + len(self.words)
        self._numbers = {word: FIRST + place for place, word in enumerate(self.words)}

    @classmethod
    def fit(cls, texts: Iterable[str], most: int = 4096) -> WordTokenizer:
        """Build the vocabulary of the most frequent words of the texts; ties in alphabetical order."""
        counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        return cls([word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]])

    def encode(self, text: str) -> list[int]:
        """Return one id for each word or punctuation mark."""
        return [self._numbers.get(word, UNKNOWN) for word in _WORD.findall(text.lower())]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the words joined by spaces; an unknown word is `[?]`."""
        words = [self.words[number - FIRST] if number >= FIRST else "[?]" for number in numbers if number >= UNKNOWN]
        return " ".join(words)


def as_tensors(tokenizer: Tokenizer, texts: Sequence[str], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode texts as `start … end`, truncated to `length`, padded to the longest.

    Returns:
        tokens (batch, longest), int64; mask (batch, longest), True for real tokens.
    """
    rows = [[tokenizer.start, *tokenizer.encode(text)[: length - 2], tokenizer.end] for text in texts]
    longest = max((len(row) for row in rows), default=2)
    tokens = torch.full((len(rows), longest), tokenizer.pad, dtype=torch.int64)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = True
    return tokens, mask
