"""From scores to a decision: thresholds of the policy, the strongest action wins, reasons in sentences.

Nothing fails open: an item that could not be judged, a score that is no number, and a part of an item that was not
read or not judged lead to `review` at least, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from alciato.item import Span, Verdict
from alciato.item.verdict import Decision
from alciato.judge.policy import ACTIONS, Category, Policy
from alciato.judge.strategy import Judgement, Match, Strategy, Unjudged, checked
from alciato.read.content import Content

MAX_EVIDENCE = 12
_UNDESCRIBED = (
    "What the picture shows was not seen: no model that describes pictures is named, and no description came with it."
)
_NOTHING = "There were no words in it that could be judged."


def decision_for(category: Category, score: float) -> Decision:
    """Give the decision for one category. Thresholds are inclusive; the category's `action` caps the decision."""
    reached: Decision = "allow"
    if score >= category.thresholds.remove:
        reached = "remove"
    elif score >= category.thresholds.review:
        reached = "review"
    return min(reached, category.action, key=ACTIONS.index)


def verdict_for(
    content: Content,
    outcome: Judgement | Unjudged,
    policy: Policy,
    strategy: Strategy,
    unread: Sequence[str] = (),
) -> Verdict:
    """Make the verdict on one item. `unread` says which of its parts have not been read.

    What could not be judged goes to a person, with the reason and no scores.
    """
    outcome = checked(outcome, policy)
    if isinstance(outcome, Unjudged):
        reasons = (f"It could not be judged: {outcome.reason}", *_failed(content, strategy), *unread)
        return _verdict(content, policy, strategy, decision="review", scores={}, reasons=reasons)
    decisions = {c.id: decision_for(c, outcome.scores[c.id]) for c in policy.categories}
    unseen = [*outcome.unseen, *_not_taken(content, strategy), *_failed(content, strategy), *unread]
    reached = [*decisions.values(), "review"] if unseen else decisions.values()
    over = sorted((m for m in outcome.matches if decisions[m.category] != "allow"), key=lambda match: -match.score)
    return _verdict(
        content,
        policy,
        strategy,
        decision=max(reached, key=ACTIONS.index),
        scores={id_: round(score, 4) for id_, score in outcome.scores.items()},
        reasons=(*_reasons(content, outcome, policy, decisions, over), *unseen, *_remarks(content, strategy)),
        target=next((match.target for match in over if match.target), None),
        evidence=_once(place for match in over for place in match.evidence),
        trace=outcome.trace,
    )


def _verdict(content: Content, policy: Policy, strategy: Strategy, **found: Any) -> Verdict:
    return Verdict(
        item=content.item.id,
        source=content.item.source,
        policy=policy.label,
        model=strategy.model,
        strategy=strategy.name,
        judged_at=datetime.now(UTC),
        **found,
    )


def _not_taken(content: Content, strategy: Strategy) -> Iterator[str]:
    """Yield a sentence for each part of a type that the strategy does not take into account."""
    for number, part in enumerate(content.item.parts):
        if part.type not in strategy.needs.modalities:
            taken = ", ".join(sorted(strategy.needs.modalities))
            yield f"Part {number} ({part.type}) was not judged: the strategy {strategy.name} judges {taken} only."


def _failed(content: Content, strategy: Strategy) -> Iterator[str]:
    """Yield a sentence for each reading that failed and that the strategy judges by."""
    for reading in content.errors:
        if reading.kind in strategy.needs.readings:
            yield f"Part {reading.part} was not judged, since it could not be read ({reading.kind}): {reading.error}"


def _remarks(content: Content, strategy: Strategy) -> Iterator[str]:
    if content.undescribed:
        yield _UNDESCRIBED
    for reading in content.errors:
        if reading.kind not in strategy.needs.readings:
            yield f"Not read: {reading.kind} of part {reading.part}: {reading.error}"


def _reasons(
    content: Content,
    judgement: Judgement,
    policy: Policy,
    decisions: dict[str, Decision],
    over: Sequence[Match],
) -> Iterator[str]:
    """Yield a sentence for each category over its threshold, or for the nearest under it."""
    for match in over:
        yield _sentence(policy.category(match.category), match, decisions[match.category])
    if not over:
        nearest = max(judgement.matches, key=lambda match: match.score, default=None)
        if nearest:
            category = policy.category(nearest.category)
            limit = category.thresholds.review
            yield f"Nothing reached a threshold; nearest was {category.title}: {nearest.score:.2f} of {limit:.2f}."
        elif content.texts:
            yield "Nothing in it comes near a category of the policy."
    yield from judgement.notes
    if not content.texts:
        yield _NOTHING


def _sentence(category: Category, match: Match, decision: Decision) -> str:
    limit = category.thresholds.remove if decision == "remove" else category.thresholds.review
    place = " and ".join(_place(evidence) for evidence in match.evidence[:3])
    rests = f" It rests on {place}." if place else ""
    return f"{category.title}, {match.score:.2f} (limit {limit:.2f}): {match.why}.{rests}"


_PLACES = {
    "body": "the text",
    "ocr": "the words on the picture",
    "speech": "what is said",
    "caption": "the description",
}


def _place(evidence: Span) -> str:
    place = _PLACES.get(evidence.kind, f"the {evidence.kind}")
    if evidence.start is not None:
        place += f" at {evidence.start:.1f} s"
    words = evidence.text if len(evidence.text) <= 120 else f"{evidence.text[:119]}…"
    return f"{place} “{words}”" if evidence.kind != "nudity" else "the marked part of the picture"


def _once(places: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(dict.fromkeys(places))[:MAX_EVIDENCE]
