"""Rankings of segments to hits on posts: fused, the best segment of each post shown, every route's reason kept.

Routes that tell the same in different ways, such as words and their meaning, stand in one group: a group is fused
to one ranking of posts, and the groups are fused in turn, so that two routes over the words read in a query
picture do not outvote the picture itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alciato.item import Box
from alciato.search.fusion import reciprocal_rank_fusion
from alciato.search.hit import Hit, Reason
from alciato.search.routes import Match, Ranking


def joined(groups: Iterable[Sequence[Ranking]], k: int) -> list[Hit]:
    """Fuse groups of rankings into at most `k` hits, best first."""
    groups = [[ranking for ranking in group if ranking.matches] for group in groups]
    rankings = list(dict.fromkeys(ranking for group in groups for ranking in group))  # one may count twice
    orders = [list(reciprocal_rank_fusion(_items(ranking) for ranking in group)) for group in groups if group]
    scores = reciprocal_rank_fusion(orders)
    best = _best_segments(rankings)
    reasons = _reasons(rankings)
    return [_hit(item, scores[item], best[item], reasons[item]) for item in list(scores)[:k]]


def _items(ranking: Ranking) -> list[str]:
    return list(dict.fromkeys(match.row["item"] for match in ranking.matches))


def _best_segments(rankings: Sequence[Ranking]) -> dict[str, Match]:
    """The segment of each post that all routes together put first."""
    found = {match.row["id"]: match for ranking in reversed(rankings) for match in reversed(ranking.matches)}
    best: dict[str, Match] = {}
    for segment in reciprocal_rank_fusion([match.row["id"] for match in ranking.matches] for ranking in rankings):
        best.setdefault(found[segment].row["item"], found[segment])
    return best


def _reasons(rankings: Sequence[Ranking]) -> dict[str, list[Reason]]:
    """For each post one reason a route: its rank among the posts, and its best segment there."""
    reasons: dict[str, list[Reason]] = {}
    for ranking in rankings:
        seen: set[str] = set()
        for match in ranking.matches:
            item = match.row["item"]
            if item not in seen:
                seen.add(item)
                reasons.setdefault(item, []).append(_reason(ranking.route, len(seen), match))
    return reasons


def _reason(route: str, rank: int, match: Match) -> Reason:
    row = match.row
    return Reason(
        route=route,
        rank=rank,
        score=None if match.score is None else round(match.score, 6),
        distance=match.distance,
        part=row["part"],
        kind=row["kind"],
        text=row["text"] or "",
        box=None if row["box"] is None else Box(*row["box"]),
        start=row["start"],
    )


def _hit(item: str, score: float, match: Match, reasons: Sequence[Reason]) -> Hit:
    row = match.row
    return Hit(
        item=item,
        score=round(score, 6),
        part=row["part"],
        kind=row["kind"],
        text=row["text"] or "",
        box=None if row["box"] is None else Box(*row["box"]),
        start=row["start"],
        end=row["end"],
        source=row["source"],
        why=tuple(reasons),
    )
