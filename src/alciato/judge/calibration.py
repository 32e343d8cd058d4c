"""Fits the constants of the prototype strategy, and says how good it is on texts that were not fitted on.

    python -m alciato.judge.calibration

The texts in `data/written.txt` were written by us for this purpose: eight topics, each with posts that break the
shipped policy and innocent ones close by (counter speech, quoting, negation, warnings, cries for help), in eight
languages, with fictional groups only. Every other topic is fitted on, the rest is the test. The same people wrote
the policy: on posts of strangers the figures will be lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alciato.judge.content import paired
from alciato.judge.policy import Policy
from alciato.judge.prototype import Space, is_pair, score
from alciato.models import Encoder

WRITTEN = Path(__file__).parent / "data" / "written.txt"
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Line:
    """A written post: the category that it breaks, or an empty one; what kind of case it is."""

    topic: str
    category: str
    kind: str
    language: str
    words: str
    picture: str | None


@dataclass(frozen=True)
class Quality:
    """How well texts that break the policy are told from innocent ones. Intervals are of 95 %, by bootstrap."""

    texts: int
    auroc: float
    auroc_interval: tuple[float, float]
    precision: float
    recall: float
    f1: float
    f1_interval: tuple[float, float]
    category: float
    """Share of violating texts whose own category has the greatest score."""


def read_written(path: Path = WRITTEN) -> list[Line]:
    """Read the written texts: `# topic` lines, then `category|kind|language|picture|words`."""
    lines, topic = [], ""
    for row in path.read_text(encoding="utf-8").splitlines():
        if row.startswith("# "):
            topic = row[2:]
        elif row:
            category, kind, language, picture, words = row.split("|", 4)
            lines.append(Line(topic, category, kind, language, words, picture or None))
    return lines


def halves(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Split by topic: every other one is for fitting, the rest for testing."""
    fitting = list(dict.fromkeys(line.topic for line in lines))[::2]
    return [line for line in lines if line.topic in fitting], [line for line in lines if line.topic not in fitting]


def fit_logistic(margins: Array, labels: Array, steps: int = 50) -> tuple[float, float]:
    """Slope and intercept of the greatest likelihood, by Newton's method. Shapes (texts,), labels 0 or 1."""
    design = np.stack([margins, np.ones_like(margins)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        chance = score(design @ weights, 1.0, 0.0)
        slope = design.T @ (chance - labels)
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-6 * np.eye(2)
        weights = weights - np.linalg.solve(curve, slope)
    return float(weights[0]), float(weights[1])


def auroc(scores: Array, labels: Array) -> float:
    """Chance that a violating text scores above an innocent one, ties counted half. Shapes (texts,)."""
    above, below = scores[labels == 1], scores[labels == 0]
    if not len(above) or not len(below):
        return float("nan")
    wins = (above[:, None] > below).mean() + 0.5 * (above[:, None] == below).mean()
    return float(wins)


def all_margins(space: Space, policy: Policy, lines: Sequence[Line]) -> Array:
    """Margins of each text for each category, shape (texts, categories)."""
    x = space.encode([paired(line.words, line.picture) for line in lines])
    pairs = np.array([is_pair(line.words, line.picture) for line in lines], bool)
    return np.stack([space.margins(x, pairs, category.id) for category in policy.categories], axis=1)


def labels_of(lines: Sequence[Line]) -> Array:
    """1 where a text breaks the policy, else 0, shape (texts,)."""
    return np.array([float(bool(line.category)) for line in lines])


def quality(space: Space, policy: Policy, lines: Sequence[Line], rounds: int = 2000) -> Quality:
    """Measure on some lines: the greatest score over the categories, cut at one half."""
    margins, labels = all_margins(space, policy, lines), labels_of(lines)
    scores = score(margins).max(axis=1)
    ids = [category.id for category in policy.categories]
    right = [ids[k] == line.category for k, line in zip(margins.argmax(axis=1), lines, strict=True) if line.category]
    precision, recall, f1 = _at_half(scores, labels)
    draws = np.random.default_rng(7).integers(0, len(lines), (rounds, len(lines)))
    spread = np.array([(auroc(scores[d], labels[d]), _at_half(scores[d], labels[d])[2]) for d in draws])
    low, high = np.nanpercentile(spread, [2.5, 97.5], axis=0)
    return Quality(
        texts=len(lines),
        auroc=auroc(scores, labels),
        auroc_interval=(float(low[0]), float(high[0])),
        precision=precision,
        recall=recall,
        f1=f1,
        f1_interval=(float(low[1]), float(high[1])),
        category=float(np.mean(right)),
    )


def _at_half(scores: Array, labels: Array) -> tuple[float, float, float]:
    called = scores >= 0.5
    hits = float((called & (labels == 1)).sum())
    precision, recall = hits / max(float(called.sum()), 1), hits / max(float(labels.sum()), 1)
    return precision, recall, 2 * hits / max(float(called.sum() + labels.sum()), 1)


def main(encoder: Encoder, policy: Policy) -> list[str]:
    """Fit on one half, test on the other; give the lines to print."""
    space, (fitting, testing) = Space(encoder, policy), halves(read_written())
    slope, intercept = fit_logistic(all_margins(space, policy, fitting).max(axis=1), labels_of(fitting))
    lines = [f"fitted on {len(fitting)} texts: SLOPE {slope:.2f}, INTERCEPT {intercept:.2f}"]
    found = quality(space, policy, testing)
    lines.append(f"test, {found.texts} texts: AUROC {found.auroc:.3f} {_interval(found.auroc_interval)}")
    lines.append(f"  at 0.5: F1 {found.f1:.3f} {_interval(found.f1_interval)}")
    lines.append(f"  precision {found.precision:.3f}, recall {found.recall:.3f}, right category {found.category:.3f}")
    for kind in sorted({line.kind for line in testing}):
        some = [line for line in testing if line.kind == kind]
        called = score(all_margins(space, policy, some)).max(axis=1) >= 0.5
        right = (called == (labels_of(some) == 1)).mean()
        lines.append(f"  {kind}: {len(some)} texts, {right:.2f} decided right at 0.5")
    return lines


def _interval(pair: tuple[float, float]) -> str:
    return f"[{pair[0]:.3f}, {pair[1]:.3f}]"


if __name__ == "__main__":
    import sys

    from alciato.judge.policy import load_policy
    from alciato.models import load
    from alciato.settings import load_settings

    settings = load_settings()
    sys.stdout.write("\n".join(main(load(settings.models.encoder, Encoder, settings), load_policy("general"))) + "\n")
