"""Typed targets give the columns that the trainers of sentence-transformers and trl read."""

import pytest

from alciato.learn.targets import Pair, Preference, TextCompletion


def test_a_pair_has_one_column_for_each_hard_negative():
    assert Pair("near", ("far", "farther")).as_row("query") == {
        "anchor": "query",
        "positive": "near",
        "negative_1": "far",
        "negative_2": "farther",
    }
    assert Pair("near").as_row("query") == {"anchor": "query", "positive": "near"}


@pytest.mark.parametrize(
    ("target", "columns"),
    [
        (TextCompletion("p", "c"), {"prompt": "p", "completion": "c"}),
        (Preference("p", "good", "bad"), {"prompt": "p", "chosen": "good", "rejected": "bad"}),
    ],
)
def test_columns_of_language_models(target, columns):
    assert target.as_row() == columns


def test_targets_are_values():
    assert Pair("a", ("b",), "g") == Pair("a", ("b",), "g") != Pair("a", ("b",), "h")
    assert len({TextCompletion("p", "c"), TextCompletion("p", "c")}) == 1
