"""Prototype: kernel density classification of an item's texts against a policy's examples. No chat model.

Every statement of an item is compared with the policy's examples and benign texts of its form (`space`: words alone,
or words with what a picture shows), which gives a margin m for each category; the score is

    1 / (1 + exp(-(slope m + intercept)))

with constants for each form and encoder, fitted by `alciato.judge.calibration` on texts that we wrote for it, no
demonstration or test among them. Measured there on texts that were not fitted on, with the packaged encoder: words
AUROC 0.92 (F1 0.84 of 100), pairs AUROC 0.93 (F1 0.72 of 80). 9 of the 100 are hard cases (counter speech, negation,
quoting, a warning): 2 of them are decided rightly.

A sentence of a longer text counts by itself as well, since benign ones beside it outweigh it, but leads to `review` at
most: out of its context it may be quoted or denied.

What it can do: words like the examples, in the encoder's languages; words with what a picture is said to show.
What it cannot: look at a picture (nudity signals apart), reason, tell irony; counter speech that repeats the attack
is its commonest false alarm. It is for sorting, with people behind it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Text
from alciato.item.verdict import Step
from alciato.judge.calibration import CURVES, Curve, curves_for, score
from alciato.judge.policy import Category, Policy
from alciato.judge.signals import signal_matches
from alciato.judge.space import Array, Form, Space, form_of, spaces_of
from alciato.judge.statements import Statement, paired, statements_of
from alciato.judge.strategy import Judgement, Match, Strategy, StrategyExample, Unjudged
from alciato.judge.target import find_target
from alciato.models import Encoder, ModelInfo, Runtime
from alciato.read.content import Content
from alciato.read.language import detect
from alciato.registry import NoOptions
from alciato.settings import Settings

VERSION = "4"
"""Counted up when the same texts would get other scores."""
TELL = 0.25
"""Matches under this score are not told."""
NEAREST = 12
"""Examples among which one in the language of the text is sought."""


@dataclass(frozen=True)
class _Scored:
    """A form in its space: scores by category, its vector (dim,)."""

    scores: dict[str, float]
    vector: Array
    space: Space


class Prototype(Strategy):
    """The strategy: statements against examples, detections against signals; the greatest score of each category."""

    name = "prototype"

    def __init__(
        self,
        encoder: Encoder,
        policy: Policy,
        settings: Settings | None = None,
        curves: Mapping[int, Curve] = CURVES,
    ) -> None:
        for number, category in enumerate(policy.categories):
            if not category.examples and not category.signals:
                raise UsageError(
                    f"category {category.id!r} (number {number + 1}) has no examples and no signals.",
                    remedy="The strategy `prototype` goes by examples: write some, or use `prompt`.",
                )
        self._policy, self._curves = policy, curves
        self._spaces = spaces_of(encoder, policy, settings)
        fitted = [(parts, *(round(value, 6) for value in curves[parts])) for parts in sorted(curves)]
        digest = hashlib.sha256(f"{encoder.fingerprint}/{VERSION}/{fitted}".encode()).hexdigest()[:8]
        self.model = f"{encoder.name}@{digest}"

    @classmethod
    def load(cls, policy: Policy, runtime: Runtime, options: NoOptions) -> Self:
        """Make the strategy with the text encoder of the settings, and the curves of that encoder."""
        del options
        encoder = runtime.load(runtime.settings.models.encoder, Encoder)
        return cls(encoder, policy, runtime.settings, curves_for(encoder, runtime.settings))

    @classmethod
    def worker_models(cls, runtime: Runtime) -> Sequence[ModelInfo]:
        """Give the text encoder, which most of the time goes to."""
        return [runtime.describe(runtime.settings.models.encoder, Encoder)]

    @classmethod
    def examples(cls) -> Sequence[StrategyExample]:
        """Give a text that repeats an example of the policy, and a benign one."""
        category: dict[str, Any] = {"id": "hate", "title": "Hate", "definition": "Attacks a group.", "action": "remove"}
        category |= {"examples": ["Martians are vermin."], "counterexamples": ["Martians are welcome."]}
        policy = Policy.model_validate({"name": "example", "categories": [category]})
        return [
            StrategyExample(Item.of([Text(text="Martians are vermin.")]), policy, "remove"),
            StrategyExample(Item.of([Text(text="The bus was late again this morning.")]), policy, "allow"),
        ]

    def judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        """Encode the passages of all items at once; one by one if that fails, so that one cannot stop the others."""
        try:
            return self._judge(contents)
        except AlciatoError as error:
            if len(contents) == 1:
                return [Unjudged(str(error))]
            return [self.judge([content])[0] for content in contents]

    def _judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        statements = [statements_of(content) for content in contents]
        forms = [_form(statement) for some in statements for statement in some]
        scored = self._score(list(dict.fromkeys(forms)))
        return [self._judgement(content, some, scored) for content, some in zip(contents, statements, strict=True)]

    def _score(self, forms: Sequence[Form]) -> dict[Form, _Scored]:
        """Score each form against the examples of its kind; forms of which there are no examples are left out."""
        scored = {}
        for parts, space in self._spaces.items():
            if some := [form for form in forms if len(form) == parts]:
                x = space.encode(some)
                curve = self._curves[parts]
                scores = {id_: score(margins, curve) for id_, margins in space.margins(x).items()}
                for row, form in enumerate(some):
                    scored[form] = _Scored({id_: float(all_[row]) for id_, all_ in scores.items()}, x[row], space)
        return scored

    def _judgement(
        self, content: Content, statements: Sequence[Statement], scored: Mapping[Form, _Scored]
    ) -> Judgement | Unjudged:
        if not statements and not self._seen(content):
            return Unjudged("no words were found in it, and nothing describes what it shows.")
        matches = list(signal_matches(content, self._policy))
        signals = len(matches)
        found = [(one, scored[_form(one)]) for one in statements if _form(one) in scored]
        if found:
            matches += [self._match(category, found) for category in self._policy.categories]
        scores = {category.id: 0.0 for category in self._policy.categories}
        for match in matches:
            scores[match.category] = _larger(scores[match.category], match.score)
        told = sorted((m for m in matches if m.score >= TELL), key=lambda m: -m.score)
        trace = (
            Step(name="statements", result=f"{len(found)} of {len(statements)} compared with examples"),
            Step(name="signals", result=f"{signals} findings of picture detectors"),
        )
        return Judgement(scores, tuple(told), trace=trace)

    def _seen(self, content: Content) -> bool:
        """Whether a picture detector that the policy goes by has looked at the item."""
        looked = any(reading.kind == "nudity" and not reading.error for reading in content.readings)
        return looked and any(category.signals for category in self._policy.categories)

    def _match(self, category: Category, found: Sequence[tuple[Statement, _Scored]]) -> Match:
        statement, best = max(found, key=lambda pair: _larger(0.0, _score_of(pair[0], pair[1], category)))
        number = round(_score_of(statement, best, category), 4)
        if not number >= TELL:
            return Match(category.id, number)
        why = f"{_subject(statement)} {_cited(statement, best, category)}"
        return Match(category.id, number, why, statement.evidence, find_target(statement.text, self._policy.groups))


def _score_of(statement: Statement, best: _Scored, category: Category) -> float:
    """Give the score of a statement; that of a sentence out of its context stays under what removes a post."""
    number = best.scores[category.id]
    limits = category.thresholds
    return min(number, max(limits.review, limits.remove - 1e-4)) if statement.excerpt else number


def _larger(one: float, other: float) -> float:
    """Give the larger score; one that is no number counts as the larger, so that it is never lost."""
    return other if math.isnan(other) or other > one else one


def _cited(statement: Statement, best: _Scored, category: Category) -> str:
    """Cite the nearest example that a reader of the post can read; else the definition, and the nearest example.

    Where the language of the statement is not clear, it is the language of the definition that counts.
    """
    examples = [paired(*form) for form in best.space.ranked(best.vector, category.id)[:NEAREST]]
    definition = category.definition.strip()
    spoken = detect(statement.text).code or detect(definition).code
    readable = next((one for one in examples if one == statement.text or detect(one).code == spoken), None)
    if readable is not None and spoken is not None:
        return f"close to the policy's example “{readable}”"
    language = detect(examples[0]).code
    told = f", in {language!r}" if language else ""
    return f"close to what the policy defines: {definition} (nearest example{told}: “{examples[0]}”)"


def _form(statement: Statement) -> Form:
    return form_of(statement.words, statement.picture)


def _subject(statement: Statement) -> str:
    if not statement.picture:
        return "the words are"
    return "words and picture together are" if statement.words else "what the picture shows is"
