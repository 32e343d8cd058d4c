"""Signals: what a picture detector found, held against the thresholds that a policy sets on its labels.

A confidence c becomes a score by the straight lines through (0, 0), (signal.review, category.review),
(signal.remove, category.remove), (1, 1): so each detector label keeps thresholds of its own, and the decision is
still made on scores alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from alciato.item import Finding, Span
from alciato.judge.policy import Policy, Signal, Thresholds
from alciato.judge.strategy import Match
from alciato.read.content import Content


def signal_score(confidence: float, signal: Thresholds, category: Thresholds) -> float:
    """Map a confidence 0..1 to a score 0..1 that crosses the category's thresholds where the signal's are crossed."""
    corners = [(0.0, 0.0), (signal.review, category.review), (signal.remove, category.remove), (1.0, 1.0)]
    for (left, low), (right, high) in pairwise(corners):
        if confidence < right:
            return low + (high - low) * (confidence - left) / (right - left)
    return category.remove if confidence < 1 else 1.0


def signal_matches(content: Content, policy: Policy) -> Iterator[Match]:
    """Yield a match for each finding whose label a category names."""
    for category in policy.categories:
        for signal in category.signals:
            for part, finding in content.findings("nudity"):
                if finding.label == signal.label and finding.confidence is not None:
                    score = signal_score(finding.confidence, signal, category.thresholds)
                    yield Match(category.id, round(score, 4), _why(signal, finding), (_evidence(part, finding),))


def _why(signal: Signal, finding: Finding) -> str:
    label = signal.label.replace("_", " ").lower()
    return f"the picture detector found {label} (confidence {finding.confidence:.2f})"


def _evidence(part: int, finding: Finding) -> Span:
    return Span(part=part, kind="nudity", text=finding.label or "", box=finding.box, start=finding.start)
