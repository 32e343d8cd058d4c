# ruff: noqa: RUF002  # the docstring shows the characters that stand in
"""`quote_untrusted`: text of posts made safe for a prompt, so that it cannot forge a role, a turn or a picture.

A chat template marks turns with special tokens, such as `<|im_start|>` (ChatML), `[INST]` (Llama 2, Mistral),
`<start_of_turn>` (Gemma), `<｜User｜>` (DeepSeek), or with a role and a colon at the start of a line (Vicuna, Alpaca).
Most engines turn these strings into special tokens wherever they stand, in a quoted post too. Three steps, in this
order:

1. Invisible characters are removed: format and tag characters, variation selectors, fillers, controls. What hides a
   mark from a pattern (`[INST]` with a zero-width space in it) is gone before any pattern is applied. Joiners stay
   between letters and signs outside ASCII, where Bengali, Hindi, Persian and emoji need them; no mark has one there.
2. Characters that a tokenizer's normalisation (NFKC, removal of accents) turns into a bracket or a bar are replaced
   by that bracket or bar, so that the next step sees what the tokenizer sees.
3. Marks are broken: `<` becomes `‹` where a mark could begin, `[word]` becomes `(word)`, and the colon behind a role
   at the start of a line becomes `꞉`. None of the three is changed by normalisation.

The patterns take time that grows as the length of the text: their repetitions are possessive, so that a post of nothing
but line feeds or blanks costs no more than another.

The function is idempotent. Whoever searches a prompt's text in the original compares with the quoted original.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\uff00\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default-ignorable characters, fillers, line separators and noncharacters; a range of `Cf` is added by category."""
_JOINERS = "\u200c\u200d"
_BRACKETS = frozenset("<>[]|")
_ANGLE = re.compile(r"<(?=[^\s\d=\-]|\d\w*>|$)")
"""Every `<` but the one before a space, a digit (`<3`) or an arrow's shaft (`<-`, `<=`)."""
_SQUARE = re.compile(r"\[(\s*+(?:[/|]+\s++)?[\w.|/\u200c\u200d-]{1,64}+\s*+)\]")
_ROLE = re.compile(
    r"^((?:[^\S\n]|[#*>_-])*+(?:system|user|assistant|human|ai|bot|gpt|model|tool|function|developer|instructions?|input|response)"
    r"[\s*_]*+)[:\uff1a\ufe55\ufe13]",
    re.IGNORECASE | re.MULTILINE,
)


def quote_untrusted(text: str) -> str:
    """Give the text without invisible characters and with every mark of a chat template broken."""
    text = re.sub("\r\n?|[\u2028\u2029]", "\n", text)
    text = _without_joiners("".join(letter for letter in text if _visible(letter)).translate(_lookalikes()))
    while (broken := _SQUARE.sub(r"(\1)", text)) != text:
        text = broken
    return _ROLE.sub("\\1\ua789", _ANGLE.sub("\u2039", text))


def _visible(letter: str) -> bool:
    if letter in "\n\t" or letter in _JOINERS:
        return True
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs"} and not _ignorable(letter)


def _without_joiners(text: str) -> str:
    """Remove the joiners that do not stand between two letters or signs which are beyond ASCII however normalised."""
    if not any(joiner in text for joiner in _JOINERS):
        return text
    return "".join(c for at, c in enumerate(text) if c not in _JOINERS or all(map(_joins, _around(text, at))))


def _around(text: str, at: int) -> tuple[str, str]:
    return text[at - 1 : at] if at else "", text[at + 1 : at + 2]


def _joins(letter: str) -> bool:
    if not letter or (unicodedata.category(letter)[0] not in "LM" and unicodedata.category(letter) != "So"):
        return False
    return not unicodedata.normalize("NFKD", letter).isascii()


@cache
def _ignorable(letter: str) -> bool:
    return re.match(f"[{_INVISIBLE}]", letter) is not None


@cache
def _lookalikes() -> dict[int, str]:
    """Characters beyond ASCII whose compatibility form, accents removed, is a bracket or a bar: to that character."""
    found = {}
    for code in (*range(0x80, 0xD800), *range(0xE000, 0x10000)):
        plain = "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(c))
        if plain in _BRACKETS:
            found[code] = plain
    return found
