"""How verdicts agree with labels: precision, recall and F1 for each category, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

from alciato.item import Verdict


@dataclass(frozen=True)
class Performance:
    """Counts and rates of one category. Rates are None where there is nothing to divide by; intervals are of 95 %."""

    hits: int
    false_alarms: int
    misses: int
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    f1: float | None


def evaluate(
    verdicts: Iterable[Verdict], labels: Mapping[str, Iterable[str]], thresholds: Mapping[str, float]
) -> dict[str, Performance]:
    """Hold scores against labels, category by category.

    Args:
        verdicts: one for each item; those without a label and those without scores do not count.
        labels: the categories that each item breaks, by item id; none for a benign item.
        thresholds: the score from which a category counts as found, by category id.
    """
    truth = {item: set(categories) for item, categories in labels.items()}
    judged = [verdict for verdict in verdicts if verdict.item in truth and verdict.scores]
    return {id_: _performance(judged, truth, id_, limit) for id_, limit in thresholds.items()}


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float] | None:
    """Give the Wilson score interval of a share (Wilson 1927); None for no trials."""
    if not total:
        return None
    share, weight = hits / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z * sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def _performance(judged: list[Verdict], truth: Mapping[str, set[str]], id_: str, limit: float) -> Performance:
    pairs = [(verdict.scores.get(id_, 0.0) >= limit, id_ in truth[verdict.item]) for verdict in judged]
    hits = sum(found and there for found, there in pairs)
    alarms = sum(found and not there for found, there in pairs)
    misses = sum(there and not found for found, there in pairs)
    return Performance(
        hits=hits,
        false_alarms=alarms,
        misses=misses,
        precision=_share(hits, hits + alarms),
        precision_interval=wilson(hits, hits + alarms),
        recall=_share(hits, hits + misses),
        recall_interval=wilson(hits, hits + misses),
        f1=_share(2 * hits, 2 * hits + alarms + misses),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
