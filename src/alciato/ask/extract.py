"""Answers by quoting: the sentences of the posts that answer best, word for word."""

from __future__ import annotations

from collections.abc import Sequence

from alciato.ask.citations import Numbering, Passage, repeats
from alciato.ask.reply import Reply, Sentence
from alciato.ask.scoring import ANSWER_RATE, FURTHER_RATE, FURTHER_SHARE
from alciato.search.normalization import PassageScores

MOST = 3
"""Sentences of an answer at most."""


def best_passages(found: Sequence[Passage], scored: PassageScores, most: int = MOST) -> list[Passage]:
    """Choose the passages that answer, best first, none that repeats a better one.

    The best must reach the threshold of `ANSWER_RATE`, each further one that of `FURTHER_RATE` and `FURTHER_SHARE` of
    the best score.
    """
    least = scored.min_score(ANSWER_RATE)
    further = max(scored.min_score(FURTHER_RATE), FURTHER_SHARE * float(scored.scores.max()))
    chosen: list[Passage] = []
    for place in (-scored.scores).argsort(kind="stable"):
        if len(chosen) == most or scored.scores[place] < (further if chosen else least):
            break
        if not repeats(found[place], chosen):
            chosen.append(found[place])
    return chosen


def passages_to_show(found: Sequence[Passage], scored: PassageScores, most: int) -> list[Passage]:
    """Choose the passages that a chat model is shown: all that reach the threshold of `ANSWER_RATE`, best first."""
    order = (-scored.scores).argsort(kind="stable")[:most]
    return [found[place] for place in order if scored.scores[place] >= scored.min_score(ANSWER_RATE)]


def extract(question: str, chosen: Sequence[Passage], model: str) -> Reply:
    """Make an answer of the chosen passages."""
    numbering = Numbering()
    sentences = tuple(Sentence(text=passage.text, citations=numbering.cite(passage)) for passage in chosen)
    return Reply(
        question=question,
        found=bool(sentences),
        sentences=sentences,
        citations=tuple(numbering.citations),
        model=f"extract with {model}",
    )
