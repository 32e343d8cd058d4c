"""What counts as an answer: another encoder has another threshold, and a passage near to everything is no answer."""

import numpy as np
import pytest

from alciato.ask.citations import Passage
from alciato.ask.extract import best_passages
from alciato.ask.scoring import ANSWER_RATE, FURTHER_RATE
from alciato.search.normalization import PassageScores


def test_an_answer_reaches_the_threshold_and_another_sentence_does_not(words):
    scored = words("Where was the kitten found?").score(["The cat was found in a basket.", "We bake pies now."])
    assert scored.scores[0] >= scored.min_score(ANSWER_RATE) > scored.scores[1]


def test_a_further_sentence_needs_more_than_the_first(words):
    scored = words("Who?").score(["Nobody."])
    assert scored.min_score(FURTHER_RATE) > scored.min_score(ANSWER_RATE)


def test_scores_do_not_depend_on_what_is_scored_with_them(words):
    texts = ["The cat was found.", "We bake pies now.", "No answer."]
    together = words("Where is the cat?").score(texts).scores
    alone = [words("Where is the cat?").score([text]).scores[0] for text in texts]
    np.testing.assert_allclose(together, alone, rtol=1e-4)


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([1.5, 2.0, 1.3], "ba"),  # the third has less than 0.7 of the best
        ([0.9, 0.88], "a"),  # enough for an answer, and too little for a further sentence
        ([0.8, 0.1], ""),
        ([1.7, 1.8, 1.9, 2.0], "dcb"),
    ],
)
def test_the_best_passage_answers_and_others_follow_that_are_nearly_as_good(scores, chosen):
    null = np.linspace(0, 1, 101)  # thresholds: 0.85 for an answer, 0.95 for a further sentence
    found = [Passage(letter, ()) for letter in "abcd"[: len(scores)]]
    best = best_passages(found, PassageScores(np.array(scores), null))
    assert "".join(passage.text for passage in best) == chosen


def test_a_passage_that_repeats_a_better_one_is_left_out():
    found = [Passage(text, ()) for text in ("The cat sleeps.", "the cat sleeps", "Bread is dear.")]
    best = best_passages(found, PassageScores(np.array([2.0, 1.9, 1.8]), np.linspace(0, 1, 101)))
    assert [passage.text for passage in best] == ["The cat sleeps.", "Bread is dear."]


@pytest.mark.slow
def test_an_answer_in_another_language_reaches_the_threshold(packaged):
    scorer = packaged("What did the wedding photographer take pictures of?")
    scored = scorer.score(["Фотограф на свадьбе снял только торт.", "Опять отключили горячую воду."])
    assert scored.scores[0] >= scored.min_score(ANSWER_RATE) > scored.scores[1]
