"""`printable`: nothing that a terminal obeys or hides passes, and everything else stays as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alciato.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),  # writes to the clipboard
        ("\x9b2J", r"\x9b2J"),  # CSI in one byte
        ("a\r\nb\tc\x7f", r"a\r\nb\tc\x7f"),
        ("gnp.\u202ecod", r"gnp.\u202ecod"),
        ("a\u2066b\u2069\u200e", r"a\u2066b\u2069\u200e"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("line\u2028and\u2029paragraph", r"line\u2028and\u2029paragraph"),
        ("not utf-8 \udcff", r"not utf-8 \udcff"),
        ("मन क्‍ष 👩‍🚀 می‌خواهم é ü 漢字 ❤️", "मन क्‍ष 👩‍🚀 می‌خواهم é ü 漢字 ❤️"),
        ("C:\\memes\\cat.png", "C:\\memes\\cat.png"),
    ],
)
def test_what_is_shown(text: str, shown: str):
    assert printable(text) == shown


def test_lines_stay_lines_where_that_is_asked_for():
    assert printable("a\nb\tc\x1b\r", lines=True) == "a\nb c\\x1b\\r"


@given(st.text(st.characters(codec=None)))
def test_nothing_that_a_terminal_obeys_passes(text: str):
    shown = printable(text)
    assert not [one for one in shown if unicodedata.category(one) in {"Cc", "Cs"}]
    assert not [
        one for one in shown if unicodedata.bidirectional(one) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}
    ]
    shown.encode("utf-8")
    assert printable(shown) == shown  # once is enough
