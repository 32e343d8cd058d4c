"""Spacing: joined words are split, words that are right stay."""

import json
import random
from pathlib import Path

import pytest

from alciato.read.spacing import LANGUAGES, respace

SENTENCES = json.loads(Path(__file__).with_name("data").joinpath("sentences.json").read_text("utf-8"))
"""Sentences as they stand on memes, eight each in ten languages; written for these tests."""


def capitals(text: str, language: str) -> str:
    return (text.replace("i", "İ") if language == "tr" else text).upper()


def joined(words: list[str], seed: int) -> str:
    """Lose spaces at random: runs of one to three words stick together."""
    choose, groups = random.Random(seed), []
    while words:
        size = choose.choice([1, 2, 3, 3])
        groups.append("".join(words[:size]))
        words = words[size:]
    return " ".join(groups)


def found(text: str, language: str, seed: int) -> tuple[int, int]:
    words = text.split()
    left = respace([joined(words, seed)], language)[0].split()
    hits = 0
    for word in words:
        if word in left:
            left.remove(word)
            hits += 1
    return hits, len(words)


def test_the_line_of_the_design():
    assert respace(["LOOKATME IAM THECAPTAIN"], "en") == ["LOOK AT ME I AM THE CAPTAIN"]


@pytest.mark.slow
def test_joined_words_are_found():
    counts = [
        found(form, language, seed)
        for language, sentences in SENTENCES.items()
        for sentence in sentences
        for form in (sentence, capitals(sentence, language))
        for seed in range(3)
    ]
    hits, words = (sum(column) for column in zip(*counts, strict=True))
    assert hits / words >= 0.95


@pytest.mark.parametrize("language", SENTENCES)
def test_in_every_language_most_are_found(language):
    counts = [
        found(capitals(sentence, language), language, seed) for sentence in SENTENCES[language] for seed in (1, 2)
    ]
    hits, words = (sum(column) for column in zip(*counts, strict=True))
    assert hits / words >= 0.75


@pytest.mark.parametrize("language", SENTENCES)
def test_normal_sentences_stay(language):
    sentences = SENTENCES[language]
    assert respace(sentences, language) == sentences
    for sentence in sentences:
        assert respace([capitals(sentence, language)], language) == [capitals(sentence, language)]


@pytest.mark.parametrize(
    "line",
    [
        "see https://example.org/lookatme now",
        "#LookAtMe and @thecaptain",
        "www.thecaptain.org",
        "write to thecaptain@example.org",
        "YouTube on my iPhone",
        "together they cannot withstand notwithstanding",
        "Robotson met Zorblax and Venusians",
        "internationalization is straightforward",
        "at 3am and H2O",
        "船长说晚饭又要迟到了",
        "",
        "   ",
        "don't can't won't",
    ],
)
def test_what_is_right_stays(line):
    assert respace([line], "en") == [line]


def test_bad_company_makes_a_short_word_doubtful():
    assert respace(["IAM"], "en") == ["IAM"]
    assert respace(["THECAPTAIN", "IAM"], "en") == ["THE CAPTAIN", "I AM"]


def test_letters_and_case_are_kept():
    line = "Lookatme I'm theCaptain, andyou?"
    assert respace([line], "en")[0].replace(" ", "") == line.replace(" ", "")
    assert respace([line], "en") == ["Look at me I'm the Captain, and you?"]


def test_german_compounds_stay():
    line = "DONAUDAMPFSCHIFFFAHRT UND ABENDESSENZEIT"
    assert respace([line], "de") == [line]


@pytest.mark.parametrize("language", [None, "zh", "xx"])
def test_without_frequencies_nothing_changes(language):
    assert respace(["LOOKATME"], language) == ["LOOKATME"]


def test_every_language_named_has_frequencies():
    from wordfreq import available_languages

    assert set(available_languages()) >= LANGUAGES
