"""Rerankers: put the fused candidates of a search in a new order.

A reranker sees the query and each candidate with its best matching segment, and may drop candidates. None is used
unless it is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from alciato.registry import NoOptions, Registry
from alciato.search.retrieval import Query, RetrievedSegment


@dataclass(frozen=True, eq=False)
class Candidate:
    """A post that was found: its fused score, its best segment, and the best relevance score of its segments.

    `relevance` is None where no retriever of texts found it, as with a near copy of a picture.
    """

    item: str
    score: float
    match: RetrievedSegment
    relevance: float | None = None


class RerankingExample(NamedTuple):
    """Candidates as (item, fused score, relevance), and the items in the order that the reranker gives."""

    candidates: tuple[tuple[str, float, float | None], ...]
    order: tuple[str, ...]


@runtime_checkable
class Reranker(Protocol):
    """Gives candidates a new order."""

    name: ClassVar[str]
    examples: ClassVar[tuple[RerankingExample, ...]]

    def rerank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Order the candidates, best first."""
        ...


class RelevanceReranker:
    """Orders by relevance score: similarity and term overlap, whatever the ranks of the retrievers.

    What has no relevance score, such as a near copy of a query picture, stays ahead in its fused order.
    """

    name: ClassVar[str] = "relevance"
    Options = NoOptions
    examples: ClassVar[tuple[RerankingExample, ...]] = (
        RerankingExample((("a", 0.9, 0.3), ("b", 0.5, 0.8), ("c", 0.4, None)), ("c", "b", "a")),
    )

    def rerank(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:  # noqa: ARG002 - the protocol
        """Order by relevance; ties keep their fused order."""
        return sorted(candidates, key=lambda one: float("-inf") if one.relevance is None else -one.relevance)


RERANKERS: Registry[type[Any]] = Registry(
    "reranker", {"relevance": "alciato.search.reranker:RelevanceReranker"}, group="alciato.rerankers"
)
"""Rerankers by name."""
