"""What counts as an answer: another encoder has another threshold, and a passage near to everything is no answer."""

import numpy as np
import pytest

from alciato.ask.scoring import ANSWER_RATE, FURTHER_RATE


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


@pytest.mark.slow
def test_an_answer_in_another_language_reaches_the_threshold(packaged):
    scorer = packaged("What did the wedding photographer take pictures of?")
    scored = scorer.score(["Фотограф на свадьбе снял только торт.", "Опять отключили горячую воду."])
    assert scored.scores[0] >= scored.min_score(ANSWER_RATE) > scored.scores[1]
