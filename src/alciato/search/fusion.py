"""Fusion of ranked lists: reciprocal rank fusion (RRF), in two levels.

Source: Cormack, Clarke and Büttcher, SIGIR 2009.
score(d) = sum over the rankings that hold d of weight / (60 + rank of d), ranks from 1.
Use it where scores have no common scale: BM25, cosines and bits have none.
Ranked lists that answer the same part of a query, such as words and their meaning, stand in one group: each group is
fused to one ranking of posts, and these are fused in turn, so that three retrievers over the words read in a query
picture do not outvote the one that found the picture itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from alciato.registry import Registry

SMOOTHING = 60
"""k of the paper: how little the first ranks stand out."""


class RankingGroup(NamedTuple):
    """Rankings of post ids that answer the same part of a query, and the weight of that part."""

    rankings: Sequence[Sequence[str]]
    weight: float = 1.0


class FusionExample(NamedTuple):
    """Groups, and the post ids in the order that fusion gives."""

    groups: tuple[RankingGroup, ...]
    order: tuple[str, ...]


@runtime_checkable
class Fusion(Protocol):
    """Joins ranked lists to one."""

    name: ClassVar[str]
    examples: ClassVar[tuple[FusionExample, ...]]

    def fuse(self, groups: Sequence[RankingGroup]) -> dict[str, float]:
        """Give the score of each post, best first."""
        ...


class ReciprocalRankFusion:
    """RRF within each group, then RRF over the groups by their weights."""

    class Options(BaseModel):
        """`smoothing` is k of the paper."""

        model_config = ConfigDict(extra="forbid", frozen=True)
        smoothing: int = Field(SMOOTHING, ge=0)

    name: ClassVar[str] = "reciprocal_rank"
    examples: ClassVar[tuple[FusionExample, ...]] = (
        FusionExample((RankingGroup([["a", "b"], ["a", "c"]]),), ("a", "b", "c")),
        # Flat fusion would put b first, which two lists of one group hold.
        FusionExample((RankingGroup([["b"], ["b"]]), RankingGroup([["a"]], 1.5)), ("a", "b")),
    )

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or self.Options()

    def fuse(self, groups: Sequence[RankingGroup]) -> dict[str, float]:
        """Give the score of each post, best first; ties are broken by id."""
        k = self.options.smoothing
        orders = [(list(reciprocal_rank_fusion(group.rankings, k)), group.weight) for group in groups]
        return reciprocal_rank_fusion([order for order, _ in orders], k, [weight for _, weight in orders])


def reciprocal_rank_fusion(
    rankings: Iterable[Sequence[str]], k: int = SMOOTHING, weights: Iterable[float] | None = None
) -> dict[str, float]:
    """Fuse rankings, best first each, into scores, best first. Ties are broken by name, so the order is total.

    Within a ranking only the first place of a name counts. Without `weights` all rankings weigh 1.
    """
    scores: dict[str, float] = {}
    rankings = list(rankings)
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, name in enumerate(dict.fromkeys(ranking), 1):
            scores[name] = scores.get(name, 0.0) + weight / (k + rank)
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))


FUSIONS: Registry[type[Any]] = Registry(
    "fusion", {"reciprocal_rank": "alciato.search.fusion:ReciprocalRankFusion"}, group="alciato.fusions"
)
"""Ways to join ranked lists, by name."""
