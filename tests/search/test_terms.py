"""Words in common: forms of a word count, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alciato.search.terms import same, term_weights, terms_of, weighted_overlap

WORDS = st.text("abcdé ", min_size=1, max_size=40)


@given(WORDS, WORDS)
def test_a_share_is_the_weight_of_the_words_that_stand_there_in_some_form(query, text):
    weights = dict.fromkeys(terms_of(query), 1.0)
    here = terms_of(text)
    held = [any(same(word, other) for other in here) for word in weights]
    assert weighted_overlap(weights, text) == pytest.approx(sum(held) / len(held) if held else 0)


@pytest.mark.parametrize(("word", "other"), [("market", "markets"), ("closed", "closing"), ("robot", "robots")])
def test_forms_of_a_word_are_the_same(word, other):
    assert same(word, other)
    assert same(other, word)


@pytest.mark.parametrize(("word", "other"), [("cat", "cats"), ("market", "marmot"), ("rain", "train")])
def test_short_words_and_other_beginnings_are_not(word, other):
    assert not same(word, other)


def test_rare_words_weigh_and_common_ones_do_not():
    weights = term_weights("who saw the marmalade in the kitchen")
    assert set(weights) == {"saw", "marmalade", "kitchen"}
    assert weights["marmalade"] > weights["kitchen"] > 0
    assert weighted_overlap(weights, "Marmalades everywhere!") == pytest.approx(
        weights["marmalade"] / sum(weights.values())
    )
    assert weighted_overlap(weights, "the who in the") == 0
    assert list(term_weights("the marmalade")) == ["marmalade"]
    assert weighted_overlap(term_weights("the marmalade"), "Marmalade on toast") == 1
    assert weighted_overlap(term_weights("the marmalade"), "the toast") == 0
    assert term_weights("the who") == {"the": 1.0, "who": 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("El NIÑO, come!", ("el", "nino", "come")),
        ("মঙ্গল গ্রহের", ("মঙ্গল", "গ্রহের")),
        ("今天天气", ("今天", "天天", "天气")),
        ("火星人の家", ("火星", "星人", "人の", "の家")),
        ("", ()),
    ],
)
def test_words_of_any_script(text, words):
    assert terms_of(text) == words
