"""The demo's sentences and its table of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alciato.demo.result import DemoResult, JudgeFigures
from alciato.item import Verdict

if TYPE_CHECKING:
    from alciato.search import Hit


TUNED = "the queries that the search was tuned on"
"""What a reader must know of these figures: the rate of false finds was chosen with these queries in view."""


def hit_line(words: str, hits: Sequence[Hit], names: Mapping[str, str]) -> str:
    """Say what was searched for and what was found, where in the post."""
    if not hits:
        return f"   “{words}”: nothing found."
    best = hits[0]
    where = f" at {best.span.start:.1f} s" if best.span.start is not None else ""
    return f"   “{words}”: {names.get(best.item, best.item)}, {best.span.kind}{where}: {best.span.text}"


def decision_line(verdict: Verdict, names: Mapping[str, str]) -> str:
    """Say what was decided of a post, and why."""
    why = verdict.reasons[0] if verdict.reasons else ""
    return f"   {names.get(verdict.item, verdict.item)}: {verdict.decision}. {why[:150]}"


def of(some: int, all_of: int) -> str:
    """Say `some of all`."""
    return f"{some} of {all_of}"


def figures_lines(result: DemoResult) -> list[str]:
    """Lay the figures out as a table of two columns."""
    search, copies, text = result.search, result.copies, result.text
    crossing = search.cross_lingual_mean_reciprocal_rank
    rows = [
        ("posts, read in", f"{result.posts}, {_seconds(result, 'read'):.1f} s"),
        ("search, mean reciprocal rank", f"{search.mean_reciprocal_rank:.3f} over {search.queries} queries, {TUNED}"),
        ("  across languages", f"{crossing:.3f} over {search.cross_lingual_queries} of them"),
        ("  nothing there, and said so", f"{of(search.told_so, search.unanswerable)}, {TUNED}"),
        ("near copies, recall", f"{copies.recall:.3f} of {copies.pairs} pairs, {copies.false} false"),
        ("words in pictures, Latin", f"{text.accuracy:.3f} of {text.words}"),
        ("words heard, English", of(text.heard, text.spoken_words)),
        *_judged("judged by prototype", result.judge),
        ("all in", f"{result.seconds:.0f} s"),
    ]
    width = max(len(name) for name, _ in rows)
    return ["", *(f"{name:<{width}}  {value}" for name, value in rows), "", f"Open {result.report}"]


def _judged(name: str, figures: JudgeFigures) -> list[tuple[str, str]]:
    return [
        (f"{name} (made posts)", f"{of(figures.flagged, figures.breaking)} breaking flagged"),
        ("", f"{of(figures.wrongly_flagged, figures.benign)} benign flagged"),
        *([("", f"{figures.unjudged} without words, not judged")] if figures.unjudged else []),
    ]


def _seconds(result: DemoResult, step: str) -> float:
    return sum(one.seconds for one in result.steps if one.name == step)
