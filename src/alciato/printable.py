"""`printable`: makes text from files and posts safe for a terminal: control characters and bidi marks are escaped.

A terminal obeys escape sequences in what it prints: they move the cursor, set the title, write to the clipboard. Marks
for the direction of text and invisible characters make a name look like another one (CVE-2021-42574).
"""

from __future__ import annotations

import unicodedata

ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that are escaped: control, format (bidi, zero width, tags), surrogate, private, separators."""
JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiner and non-joiner: kept, because emoji and the scripts of India and Persia are written with them."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return the text with every character that a terminal would obey or hide written as its escape: `\x1b`.

    With `lines`, line breaks stay line breaks, and a tab becomes a space.
    """
    if text.isascii() and text.isprintable():
        return text
    if lines:
        return "\n".join(printable(line.replace("\t", " ")) for line in text.split("\n"))
    return "".join(_escape(letter) if _is_unsafe(letter) else letter for letter in text)


def _is_unsafe(letter: str) -> bool:
    return unicodedata.category(letter) in ESCAPED and letter not in JOINERS


def _escape(letter: str) -> str:
    short = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    return short.get(letter) or letter.encode("unicode_escape", "surrogatepass").decode("ascii")
