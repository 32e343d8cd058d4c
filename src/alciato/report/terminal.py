"""Verdicts as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from rich.console import Group
from rich.table import Table
from rich.text import Text

from alciato.item import Verdict
from alciato.judge.policy import ACTIONS

_COLOURS = {"allow": "green", "review": "yellow", "remove": "bold red", "unjudged": "magenta"}
MOST_ROWS = 40


def verdict_table(verdicts: Iterable[Verdict], most: int = MOST_ROWS) -> Group:
    """Lay out the strongest decisions first, at most `most` rows, and under them how many there were of each.

    Whatever comes from posts is plain text: no markup, no control characters.
    """
    ordered = sorted(verdicts, key=lambda v: (-ACTIONS.index(v.decision), -max(v.scores.values(), default=0.0)))
    table = Table(box=None, header_style="bold", pad_edge=False, show_edge=False)
    for column, ratio in (("decision", None), ("item", 2), ("category", None), ("why", 5)):
        table.add_column(column, ratio=ratio, overflow="ellipsis", no_wrap=column != "why")
    for verdict in ordered[:most]:
        state = verdict.decision if verdict.scores else "unjudged"
        name = PurePath(verdict.source).name if verdict.source else verdict.item
        why = verdict.reasons[0] if verdict.reasons and state != "allow" else ""
        table.add_row(Text(state, _COLOURS[state]), _plain(name), _plain(_top(verdict)), _plain(why))
    return Group(table, Text(""), _counts(ordered, len(ordered) - most))


def _counts(verdicts: list[Verdict], left_out: int) -> Text:
    counts = Text("")
    for state in ("remove", "review", "unjudged", "allow"):
        number = sum((v.decision if v.scores else "unjudged") == state for v in verdicts)
        counts.append(f"{number} {state}   ", _COLOURS[state] if number else "dim")
    return counts.append(f"({left_out} more not shown)", "dim") if left_out > 0 else counts


def _top(verdict: Verdict) -> str:
    if not verdict.scores:
        return "-"
    category, score = max(verdict.scores.items(), key=lambda pair: pair[1])
    return f"{category} {score:.2f}"


def _plain(text: str) -> Text:
    """Control characters could move the cursor or recolour the terminal: they are shown as a dot."""
    return Text("".join(letter if letter.isprintable() else "·" for letter in text))
