"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from alciato.duplicates import Cluster
    from alciato.item import Span
    from alciato.models import ModelCard
    from alciato.search import Hit
    from alciato.sources import Skipped
    from alciato.store import Status

MIB = 2**20


def hit_table(hits: Sequence[Hit]) -> Table:
    """One row a hit: what matched, where in the post, and by which routes."""
    table = _table("", "item", "what matched", "where", "why", "source")
    for rank, hit in enumerate(hits, 1):
        table.add_row(
            str(rank),
            Text(hit.item),
            Text(_short(hit.span.text)),
            Text(_place(hit.span)),
            Text(", ".join(reason.retriever for reason in hit.why)),
            Text(hit.source or "", overflow="fold"),
        )
    return table


def cluster_table(clusters: Sequence[Cluster]) -> Table:
    """One row a near copy, grouped."""
    table = _table("group", "item", "relation", "source")
    for number, cluster in enumerate(clusters, 1):
        for member in cluster.members:
            table.add_row(
                str(number), Text(member.item), Text(member.relation), Text(member.source or "", overflow="fold")
            )
        table.add_section()
    return table


def skipped_table(skipped: Sequence[Skipped]) -> Table:
    """One row a file or row that was not taken, with its reason."""
    table = _table("skipped", "row", "reason", "")
    for one in skipped:
        row = "" if one.row is None else str(one.row)
        table.add_row(Text(one.path, overflow="fold"), row, one.reason, Text(one.message))
    return table


def model_table(cards: Sequence[ModelCard]) -> Table:
    """One row a model."""
    table = _table("model", "for", "size", "licence", "works here")
    table.columns[0].no_wrap = True
    for card in cards:
        size = f"{card.size / MIB:.0f} MiB" if card.size else ""
        works = Text("yes", "green") if card.works else Text(card.trouble or "no", "yellow")
        table.add_row(Text(card.name), Text(card.purpose), size, card.licence, works)
    return table


def status_table(status: Status, unread: int) -> Table:
    """What is in a collection, in a few rows."""
    table = Table(box=None, show_header=False)
    unindexed = sum(index.unindexed for index in status.indexes)
    rows = {
        "collection": status.uri,
        "posts": f"{status.items} ({_counts(status.parts) or 'empty'})",
        "media": f"{status.media}, {status.media_bytes / MIB:.1f} MiB",
        "unread": str(unread),
        "readings": _counts(status.readings),
        "failed": _counts(status.failed) or "none",
        "searchable segments": str(status.segments),
        "verdicts": str(status.verdicts),
        "embeddings": ", ".join(f"{one.rows} by {one.name}" for one in status.encoders) or "none yet",
        "indexes": f"{len(status.indexes)}, {unindexed} rows still found by a scan",
        "fragments": _counts(status.fragments),
    }
    for name, value in rows.items():
        table.add_row(Text(name, "bold"), Text(value))
    return table


def _table(*columns: str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)


def _place(span: Span) -> str:
    """The place of a hit: its kind, and its box or seconds."""
    if span.start is not None:
        return f"{span.kind} {span.start:.1f} s"
    if span.box is not None:
        return f"{span.kind} at {', '.join(f'{edge:.0f}' for edge in span.box)}"
    return span.kind


def _short(text: str, length: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
