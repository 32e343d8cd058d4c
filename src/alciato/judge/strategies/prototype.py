"""Prototype: how much nearer words are to a policy's examples than to its innocent ones. No chat model.

Every passage of a post is held against the policy's examples of its form (`space`: words alone, or words with what a
picture is said to show), which gives a margin m for each category; the score is

    1 / (1 + exp(-(slope m + intercept)))

with constants for each form, fitted by `alciato.judge.calibration` on texts that we wrote for it, no demonstration
or test among them. Measured there on texts that were not fitted on: words AUROC 0.92
(F1 0.85 of 100), pairs AUROC 0.93 (F1 0.72 of 80).

What it can do: words like the examples, in the encoder's languages; words with what a picture is said to show.
What it cannot: look at a picture (nudity signals apart), reason, tell irony; counter speech that repeats the attack
is its commonest false alarm. It is for sorting, with people behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alciato.errors import AlciatoError, UsageError
from alciato.judge.content import Content, Passage, paired
from alciato.judge.policy import Category, Policy
from alciato.judge.signals import signal_matches
from alciato.judge.space import Array, Form, Space, form_of, spaces_of
from alciato.judge.strategy import Judgement, Match, Unjudged
from alciato.judge.target import find_target
from alciato.models import Encoder, Runtime

CURVES = {1: (2.5, 0.56), 2: (8.8, 3.1)}
"""Slope and intercept by number of parts of the form."""
VERSION = "1"
"""Counted up when the same texts would get other scores."""
TELL = 0.25
"""Matches under this score are not told."""


def score(margins: Array, slope: float, intercept: float) -> Array:
    """Margins, of any shape, to 0..1: about the share of such texts that broke the policy where it was fitted."""
    return np.asarray(1 / (1 + np.exp(-np.clip(slope * margins + intercept, -60, 60))))


@dataclass(frozen=True)
class _Held:
    """A form held against its space: scores by category, its vector (dim,)."""

    scores: dict[str, float]
    vector: Array
    space: Space


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
        self._spaces = spaces_of(encoder, policy)
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
        forms = [_form(passage) for content in contents for passage in content.passages]
        held = self._hold(list(dict.fromkeys(forms)))
        return [self._judgement(content, held) for content in contents]

    def _hold(self, forms: Sequence[Form]) -> dict[Form, _Held]:
        """Hold each form against the examples of its kind; forms of which there are no examples are left out."""
        held = {}
        for parts, space in self._spaces.items():
            if some := [form for form in forms if len(form) == parts]:
                x = space.encode(some)
                scores = {id_: score(space.margins(x, id_), *CURVES[parts]) for id_ in space.texts}
                for row, form in enumerate(some):
                    held[form] = _Held({id_: float(all_[row]) for id_, all_ in scores.items()}, x[row], space)
        return held

    def _judgement(self, content: Content, held: dict[Form, _Held]) -> Judgement:
        matches = list(signal_matches(content, self._policy))
        found = [(passage, held[_form(passage)]) for passage in content.passages if _form(passage) in held]
        if found:
            matches += [self._match(category, found) for category in self._policy.categories]
        scores = {category.id: 0.0 for category in self._policy.categories}
        for match in matches:
            scores[match.category] = max(scores[match.category], match.score)
        told = sorted((m for m in matches if m.score >= TELL), key=lambda m: -m.score)
        return Judgement(scores, tuple(told))

    def _match(self, category: Category, found: Sequence[tuple[Passage, _Held]]) -> Match:
        passage, best = max(found, key=lambda pair: pair[1].scores[category.id])
        number = round(best.scores[category.id], 4)
        if number < TELL:
            return Match(category.id, number)
        example = paired(*best.space.nearest(best.vector, category.id))
        why = f"{_subject(passage)} close to the policy's example “{example}”"
        return Match(category.id, number, why, passage.evidence, find_target(passage.text, self._policy.groups))


def _form(passage: Passage) -> Form:
    return form_of(passage.words, passage.picture)


def _subject(passage: Passage) -> str:
    if not passage.picture:
        return "the words are"
    return "words and picture together are" if passage.words else "what the picture shows is"


def load_prototype(policy: Policy, runtime: Runtime) -> Prototype:
    """Make the strategy with the text encoder of the settings."""
    return Prototype(runtime.load(runtime.settings.models.encoder, Encoder), policy)
