"""Prototype: how much nearer words are to a policy's examples than to its innocent ones. No chat model.

Every text is a vector x of length 1, moved by the mean of the policy's own texts and scaled to length 1 again:
sentence encoders put everything into a narrow cone (cosines of 0.75 to 0.9), and the mean is what all share.
With P the examples of a category, N the counterexamples of all categories and the innocent texts, and w the
standard deviation of the similarities among the policy's texts, the margin is a ratio of two kernel densities:

    m(x) = (log sum_{p in P} exp(b x.p / w) - log sum_{n in N} exp(b x.n / w)) / b,    b = SHARPNESS
    score = 1 / (1 + exp(-(SLOPE m + INTERCEPT)))

Sums, not means: a category with few examples needs a closer match. An example of words with a picture is a
prototype for such pairs only, never for words alone or a picture alone, since each half is innocent.
The constants are fitted by `alciato.judge.calibration` on texts that we wrote for it, no demonstration or test
among them; it prints the figures on texts that were not fitted on: AUROC 0.92, F1 0.83 of 116.

What it can do: words like the examples, in the encoder's languages; words with what a picture is said to show.
What it cannot: look at a picture (nudity signals apart), reason, tell irony; counter speech that repeats the attack
is its commonest false alarm. It is for sorting, with people behind it.
Source: kernel density classification, Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 6.6.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alciato.errors import AlciatoError, UsageError
from alciato.judge.content import Content, Passage, paired
from alciato.judge.policy import Category, Example, Policy
from alciato.judge.signals import signal_matches
from alciato.judge.strategy import Judgement, Match, Unjudged
from alciato.judge.target import find_target
from alciato.models import Encoder, load
from alciato.settings import Settings

SHARPNESS = 2.6
SLOPE, INTERCEPT = 3.0, 0.66
VERSION = "1"
"""Counted up when the same texts would get other scores."""
TELL = 0.25
"""Matches under this score are not told."""
Array = NDArray[np.floating[Any]]


def margin(x: Array, examples: Array, innocent: Array, width: float, sharpness: float = SHARPNESS) -> Array:
    """Log ratio of the two kernel densities, in units of `width`.

    Shapes: x (texts, dim), examples (examples, dim), innocent (innocent, dim), all of length 1; gives (texts,).
    No examples give minus infinity, no innocent texts plus infinity.
    """
    return (_log_sum(x @ examples.T, sharpness / width) - _log_sum(x @ innocent.T, sharpness / width)) / sharpness


def _log_sum(similarity: Array, sharpness: float) -> Array:
    return np.asarray(np.logaddexp.reduce(similarity * sharpness, axis=1, initial=-np.inf))


def score(margins: Array, slope: float = SLOPE, intercept: float = INTERCEPT) -> Array:
    """Margins, of any shape, to 0..1: near the share of such texts that break the policy in a balanced set."""
    return np.asarray(1 / (1 + np.exp(-np.clip(slope * margins + intercept, -60, 60))))


class Space:
    """The vectors of a policy's texts, centred on their mean, and how widely their similarities spread."""

    def __init__(self, encoder: Encoder, policy: Policy) -> None:
        self._encoder = encoder
        innocent = [written(example) for example in policy.innocent]
        innocent += [written(example) for category in policy.categories for example in category.counterexamples]
        self.texts = {
            category.id: [written(example) for example in category.examples] for category in policy.categories
        }
        raw = encoder.encode(innocent + [text for texts in self.texts.values() for text in texts], role="query")
        self._mean = raw.mean(axis=0)
        centred = self._centre(raw)
        similarity = centred @ centred.T
        self.width = float(similarity[~np.eye(len(raw), dtype=bool)].std()) or 1.0
        self.innocent, rest = centred[: len(innocent)], centred[len(innocent) :]
        ends = np.cumsum([len(texts) for texts in self.texts.values()])
        self.examples = dict(zip(self.texts, np.split(rest, ends[:-1]), strict=True))
        self.pairs = {
            c.id: np.array([is_pair(e.words, e.picture) for e in c.examples], bool) for c in policy.categories
        }

    def encode(self, texts: Sequence[str]) -> Array:
        """Give centred vectors of length 1, shape (texts, dim)."""
        return self._centre(self._encoder.encode(list(texts), role="query"))

    def margins(self, x: Array, pairs: NDArray[np.bool_], category: str) -> Array:
        """Give the margin of each text for one category, shape (texts,).

        `pairs`, shape (texts,), says which are words with what is seen: only they are held against pairs.
        """
        examples, singles = self.examples[category], self.examples[category][~self.pairs[category]]
        alone = margin(x, singles, self.innocent, self.width)
        return np.where(pairs, margin(x, examples, self.innocent, self.width), alone)

    def nearest(self, x: Array, pair: bool, category: str) -> str:
        """Give the example that is nearest to one vector (dim,) among those it is held against."""
        similarity = self.examples[category] @ x
        return self.texts[category][int(np.where(self.pairs[category] & (not pair), -np.inf, similarity).argmax())]

    def _centre(self, raw: Array) -> Array:
        moved = raw - self._mean
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9))


def is_pair(words: str, picture: str | None) -> bool:
    """Whether words and a picture stand together. A pair is an example for pairs only: its halves are innocent."""
    return bool(words.strip() and picture)


def written(example: Example) -> str:
    """An example as one string, in the form in which passages are judged."""
    return paired(example.words, example.picture)


class Prototype:
    """The strategy: passages against examples, detections against signals; the greatest score of each category."""

    name = "prototype"

    def __init__(self, encoder: Encoder, policy: Policy) -> None:
        for number, category in enumerate(policy.categories):
            if not category.examples and not category.signals:
                raise UsageError(
                    f"category {category.id!r} (number {number + 1}) has no examples and no signals.",
                    remedy="The strategy `prototype` goes by examples: write some, or use `prompt`.",
                )
        self._policy = policy
        self._space = Space(encoder, policy)
        digest = hashlib.sha256(f"{encoder.fingerprint}/{VERSION}".encode()).hexdigest()[:8]
        self.model = f"{encoder.name}@{digest}"

    def judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        """Encode the passages of all items at once; one by one if that fails, so that one cannot stop the others."""
        try:
            return self._judge(contents)
        except AlciatoError as error:
            if len(contents) == 1:
                return [Unjudged(str(error))]
            return [self.judge([content])[0] for content in contents]

    def _judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        passages = [passage for content in contents for passage in content.passages]
        vectors = self._space.encode([passage.text for passage in passages]) if passages else np.zeros((0, 1))
        ends = np.cumsum([len(content.passages) for content in contents])
        parts = np.split(vectors, ends[:-1]) if contents else []
        return [self._judgement(content, x) for content, x in zip(contents, parts, strict=True)]

    def _judgement(self, content: Content, x: Array) -> Judgement:
        matches = list(signal_matches(content, self._policy))
        worded = [category for category in self._policy.categories if len(x) and category.examples]
        matches += [self._match(category, content.passages, x) for category in worded]
        scores = {category.id: 0.0 for category in self._policy.categories}
        for match in matches:
            scores[match.category] = max(scores[match.category], match.score)
        told = sorted((m for m in matches if m.score >= TELL), key=lambda m: -m.score)
        return Judgement(scores, tuple(told))

    def _match(self, category: Category, passages: Sequence[Passage], x: Array) -> Match:
        pairs = np.array([is_pair(passage.words, passage.picture) for passage in passages], bool)
        scores = score(self._space.margins(x, pairs, category.id))
        best = int(scores.argmax())
        passage, example = passages[best], self._space.nearest(x[best], bool(pairs[best]), category.id)
        why = f"{_subject(passage)} close to the policy's example “{example}”"
        target = find_target(passage.text, self._policy.groups)
        return Match(category.id, round(float(scores[best]), 4), why, passage.evidence, target)


def _subject(passage: Passage) -> str:
    if not passage.picture:
        return "the words are"
    return "words and picture together are" if passage.words else "what the picture shows is"


def load_prototype(policy: Policy, settings: Settings) -> Prototype:
    """Make the strategy with the text encoder of the settings."""
    return Prototype(load(settings.models.encoder, Encoder, settings), policy)
