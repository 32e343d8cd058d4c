"""Text to token numbers and back: bytes for any language, or a small vocabulary of words for the laboratory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import torch

PAD, START, END, MASK, UNKNOWN = range(5)
"""Numbers that mean the same in both tokenizers; text begins at 5."""
FIRST = 5
_WORD = re.compile(r"\w+|[^\w\s]")


class Tokenizer(Protocol):
    """Text to numbers. `document` is what JSON keeps of it."""

    vocabulary: int
    pad: int
    start: int
    end: int
    mask: int

    def encode(self, text: str) -> list[int]:
        """Give the numbers of a text, without start and end."""
        ...

    def decode(self, numbers: Iterable[int]) -> str:
        """Give the text of numbers; those that are no text are left out."""
        ...

    def document(self) -> dict[str, Any]:
        """Give what `build_tokenizer` needs."""
        ...


class _Numbers:
    pad, start, end, mask = PAD, START, END, MASK


class ByteTokenizer(_Numbers):
    """One token a byte of UTF-8: no text is unknown, no vocabulary has to be kept."""

    vocabulary = 256 + FIRST

    def encode(self, text: str) -> list[int]:
        """Give one number for each byte."""
        return [FIRST + byte for byte in text.encode("utf-8", "replace")]

    def decode(self, numbers: Iterable[int]) -> str:
        """Give the text; bytes of a character that was cut become U+FFFD."""
        return bytes(number - FIRST for number in numbers if number >= FIRST).decode("utf-8", "replace")

    def document(self) -> dict[str, Any]:
        """Say that it is this one."""
        return {"kind": "bytes"}


class WordTokenizer(_Numbers):
    """One token a word or sign of a fixed list, in lower case; all others are one number."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.vocabulary = FIRST + len(self.words)
        self._numbers = {word: FIRST + place for place, word in enumerate(self.words)}

    @classmethod
    def fit(cls, texts: Iterable[str], most: int = 4096) -> WordTokenizer:
        """Take the most frequent words of the texts, alphabetical among equals."""
        counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        return cls([word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]])

    def encode(self, text: str) -> list[int]:
        """Give one number for each word or sign."""
        return [self._numbers.get(word, UNKNOWN) for word in _WORD.findall(text.lower())]

    def decode(self, numbers: Iterable[int]) -> str:
        """Give the words with spaces between; unknown ones are a question mark in brackets."""
        words = [self.words[number - FIRST] if number >= FIRST else "[?]" for number in numbers if number >= UNKNOWN]
        return " ".join(words)

    def document(self) -> dict[str, Any]:
        """Give the list."""
        return {"kind": "words", "words": list(self.words)}


def as_tensors(tokenizer: Tokenizer, texts: Sequence[str], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode texts as `start … end`, cut at `length`, padded to the longest.

    Returns:
        tokens (batch, longest), int64; mask (batch, longest), True for what is no padding.
    """
    rows = [[tokenizer.start, *tokenizer.encode(text)[: length - 2], tokenizer.end] for text in texts]
    longest = max((len(row) for row in rows), default=2)
    tokens = torch.full((len(rows), longest), tokenizer.pad, dtype=torch.int64)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = True
    return tokens, mask
