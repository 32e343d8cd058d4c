"""Reciprocal rank fusion: several rankings to one, without comparing their scores.

Source: Cormack, Clarke and Büttcher, SIGIR 2009.
score(d) = sum over the rankings that hold d of 1 / (60 + rank of d), ranks from 1.
Use it where scores have no common scale: BM25, cosines and bits have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SMOOTHING = 60
"""k of the paper: how little the first ranks stand out."""


def reciprocal_rank_fusion(rankings: Iterable[Sequence[str]], k: int = SMOOTHING) -> dict[str, float]:
    """Fuse rankings, best first each, into scores, best first. Ties are broken by name, so the order is total.

    Within a ranking only the first place of a name counts.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(dict.fromkeys(ranking), 1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + rank)
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))
