"""Results as tables for people: one line a row, cut to the terminal; `alciato show ID` gives the rest of a post."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from alciato.printable import printable

if TYPE_CHECKING:
    from alciato.duplicates import Cluster
    from alciato.item import Span, Verdict
    from alciato.models import ModelCard
    from alciato.search import Hit
    from alciato.sources import Skipped
    from alciato.store import Problem, Status

MIB = 2**20
GAP = 2
NARROWEST, LONGEST_ID = 8, 26


@dataclass(frozen=True)
class Safe:
    """Whatever is printed, with every character that a terminal would obey escaped."""

    what: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Escape the text of each segment; rich's own control codes do not come from here."""
        for text, style, _ in console.render(self.what, options):
            yield Segment(printable(text, lines=True), style)


@dataclass(frozen=True)
class Column:
    """A column.

    Args:
        name: the heading.
        share: weight of the column when the table is cut to the terminal; 0: it is never cut.
        id: long ids are cut to beginnings that can be pasted.
        file: a path, which is cut at its beginning.
        styles: style by value; that of "" is for all values.
    """

    name: str
    share: int = 0
    id: bool = False
    file: bool = False
    styles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """A table of plain strings, laid out one line a row. `whole`: nothing is cut, long values are wrapped."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""
    whole: bool = False
    below: str = ""

    def table(self, *, cut: bool) -> RenderableType:
        """Lay out for a terminal, cut to its width, or whole, for what is not one."""
        cells = [[_one_line(cell) for cell in row] for row in self.rows]
        for number, column in enumerate(self.columns):
            if column.id and cut:
                _shorten_ids(cells, number)
        laid = _grid(self.columns, cells) if self.whole and cut else _Layout(self.columns, cells, self.title, cut=cut)
        below = Text("\n".join(map(_one_line, self.below.splitlines())))
        return Group(laid, Text(""), below) if self.below else laid


@dataclass(frozen=True)
class _Layout:
    columns: Sequence[Column]
    cells: Sequence[Sequence[str]]
    title: str
    cut: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(options.max_width)
        if self.title:
            yield Text(_one_line(self.title), "bold", no_wrap=True, overflow="ellipsis")
        if any(column.name for column in self.columns):
            yield self._line([column.name for column in self.columns], widths, header=True)
        for row in self.cells:
            yield self._line(row, widths)

    def _widths(self, room: int) -> list[int]:
        """Natural widths; where they do not fit, columns with a share give way to the others."""
        everything = [[column.name for column in self.columns], *self.cells]
        natural = [max(cell_len(row[number]) for row in everything) for number in range(len(self.columns))]
        over = sum(natural) + GAP * (len(natural) - 1) - room
        widths = list(natural)
        while self.cut and over > 0:
            giving = [
                number for number, column in enumerate(self.columns) if column.share and widths[number] > NARROWEST
            ]
            if not giving:
                break
            widest = max(giving, key=lambda number: widths[number] / self.columns[number].share)
            widths[widest] -= 1
            over -= 1
        return widths

    def _line(self, row: Sequence[str], widths: Sequence[int], *, header: bool = False) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis" if self.cut else "ignore")
        for number, (cell, width, column) in enumerate(zip(row, widths, self.columns, strict=True)):
            last = number == len(row) - 1
            style = "bold" if header else column.styles.get(cell, column.styles.get("", ""))
            line.append(_fitted(cell, width, pad=not last, start=not column.file), style)
            line.append("" if last else " " * GAP)
        return line


def _grid(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, GAP))
    for column in columns:
        grid.add_column(style=column.styles.get("", ""), no_wrap=bool(column.name) and not column.share)
    if any(column.name for column in columns):
        grid.add_row(*(Text(column.name, "bold") for column in columns))
    for row in cells:
        grid.add_row(*(Text(cell, overflow="fold") for cell in row))
    return grid


def _fitted(cell: str, width: int, *, pad: bool, start: bool) -> str:
    """Cut or pad to a width in cells; of a path the end is kept."""
    if cell_len(cell) > width:
        return set_cell_size(cell, width - 1) + "…" if start else "…" + set_cell_size(cell[::-1], width - 1)[::-1]
    return set_cell_size(cell, width) if pad else cell


def _shorten_ids(cells: list[list[str]], number: int) -> None:
    """Cut long ids to beginnings that tell them apart, without a mark, so that they can be pasted."""
    ids = {row[number] for row in cells}
    longest = max(map(len, ids), default=0)
    length = next(
        (size for size in range(LONGEST_ID, longest) if len({one[:size] for one in ids}) == len(ids)), longest
    )
    for row in cells:
        row[number] = row[number][:length]


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


_SOURCE = Column("source", share=3, file=True)
_COLOURS = {"allow": "green", "review": "yellow", "remove": "bold red", "unjudged": "magenta"}


def facts(rows: Iterable[tuple[str, str]]) -> Rows:
    """Lay out names and values."""
    return Rows((Column("", styles={"": "bold"}), Column("")), [row for row in rows if row[1]], whole=True)


def hit_table(hits: Sequence[Hit]) -> Rows:
    """One row a hit: the post, where in it, what matched, by which retrievers, and the file."""
    columns = (Column(""), Column("item", id=True), Column("where"), Column("text", 6), Column("why", 3), _SOURCE)
    rows = [
        (
            str(rank),
            hit.item,
            place(hit.span),
            hit.span.text,
            ", ".join(reason.retriever for reason in hit.why),
            hit.source or "",
        )
        for rank, hit in enumerate(hits, 1)
    ]
    return Rows(columns, rows)


def cluster_table(clusters: Sequence[Cluster]) -> Rows:
    """One row a near copy, grouped."""
    columns = (Column("group"), Column("item", id=True), Column("relation"), _SOURCE)
    rows = [
        (str(number), member.item, member.relation, member.source or "")
        for number, cluster in enumerate(clusters, 1)
        for member in cluster.members
    ]
    return Rows(columns, rows)


def skipped_table(skipped: Sequence[Skipped]) -> Rows:
    """One row a file or row that was not taken, with its reason."""
    columns = (Column("skipped", share=2, file=True), Column("row"), Column("reason"), Column("", share=3))
    rows = [(one.path, "" if one.row is None else str(one.row), one.reason, one.message) for one in skipped]
    return Rows(columns, rows)


def problem_table(problems: Sequence[Problem]) -> Rows:
    """One row a thing that is wrong in a collection: where, what, and what is lost by it."""
    columns = (Column("part"), Column("where", share=2, file=True), Column("what", share=3), Column("lost", share=3))
    return Rows(columns, [(one.part, one.where, one.what, one.lost or "nothing") for one in problems])


def model_table(cards: Sequence[ModelCard]) -> Rows:
    """One row a model."""
    columns = (Column("model"), Column("works"), Column("size"), Column("licence", 1), Column("for", 1))
    rows = [
        (
            card.name,
            "yes" if card.works else "no",
            f"{card.size / MIB:.0f} MiB" if card.size else "",
            card.licence,
            f"{card.purpose}; measured: {card.measured}" if card.measured else card.purpose,
        )
        for card in cards
    ]
    troubles = [f"{card.name}: {card.trouble}" for card in cards if card.trouble]
    return Rows(columns, rows, whole=True, below="\n".join(troubles))


def status_table(status: Status, unread: int, ids: Sequence[str]) -> Rows:
    """What is in a collection, in a few rows."""
    unindexed = sum(index.unindexed for index in status.indexes)
    return facts(
        [
            ("collection", status.uri),
            ("posts", f"{status.items} ({_counts(status.parts) or 'empty'})"),
            ("first ids", " ".join(ids)),
            ("media", f"{status.media}, {status.media_bytes / MIB:.1f} MiB"),
            ("unread", str(unread)),
            ("readings", _counts(status.readings)),
            ("failed", _counts(status.failed) or "none"),
            ("searchable segments", str(status.segments)),
            ("verdicts", str(status.verdicts)),
            ("vectors by", ", ".join(encoder.name for encoder in status.encoders) or "no encoder yet"),
            ("indexes", f"{len(status.indexes)}, {f'{unindexed} rows not indexed yet' if unindexed else 'complete'}"),
            ("fragments", _counts(status.fragments)),
        ]
    )


def verdict_table(verdicts: Iterable[Verdict], most: int = 40) -> Rows:
    """The strongest decisions first, `most` rows at most, and under them how many there were of each."""
    strongest = ("remove", "review", "unjudged", "allow")
    ordered = sorted(verdicts, key=lambda one: (strongest.index(_state(one)), -max(one.scores.values(), default=0.0)))
    columns = (
        Column("decision", styles=_COLOURS),
        Column("item", id=True),
        Column("category"),
        Column("why", 3),
        Column("source", 2, file=True),
    )
    rows = [(_state(one), one.item, _top(one), _why(one), PurePath(one.source or "").name) for one in ordered[:most]]
    counted = [(state, sum(_state(one) == state for one in ordered)) for state in strongest]
    total = ", ".join(f"{number} {state}" for state, number in counted)
    more = f" ({len(ordered) - most} not shown)" if len(ordered) > most else ""
    return Rows(columns, rows, below=f"{total}{more}")


def _state(verdict: Verdict) -> str:
    return verdict.decision if verdict.scores else "unjudged"


def _top(verdict: Verdict) -> str:
    category, score = max(verdict.scores.items(), key=lambda pair: pair[1], default=("", 0.0))
    return f"{category} {score:.2f}" if category else ""


def _why(verdict: Verdict) -> str:
    """The words that the verdict rests on, then the reason: the words are what is left of it in a narrow terminal."""
    if not verdict.reasons or _state(verdict) == "allow":
        return ""
    words = f"“{verdict.evidence[0].text}” " if verdict.evidence else ""
    return words + verdict.reasons[0].removeprefix("It could not be judged: ")


def place(span: Span) -> str:
    """Where in a post something is: its kind, and its box or seconds."""
    if span.start is not None:
        return f"{span.kind} {span.start:.1f} s"
    if span.box is not None:
        return f"{span.kind} {','.join(f'{edge:.0f}' for edge in span.box)}"
    return span.kind


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def post_facts(told: Mapping[str, Any]) -> Rows:
    """A post in full, as `alciato show` has it from the store: parts, metadata, readings, verdicts."""
    item = told["item"]
    rows = [("id", item["id"])]
    rows += [(f"part {number}, {part['type']}", _part_fact(part)) for number, part in enumerate(item["parts"])]
    rows += [(name, value if isinstance(value, str) else str(value)) for name, value in item["metadata"].items()]
    rows += [(link["kind"], link["target"]) for link in item["links"]]
    rows += [
        (f"{one['kind']} of part {one['part']}", _reading_fact(one))
        for one in told["readings"]
        if one["findings"] or one["error"]
    ]
    for verdict in told["verdicts"]:
        scores = ", ".join(f"{name} {score:.2f}" for name, score in verdict["scores"].items()) or "unjudged"
        rows += [(f"by {verdict['policy']}", f"{verdict['decision']} ({scores}), {verdict['strategy']}")]
        rows += [("", reason) for reason in verdict["reasons"]]
    return Rows((Column("", styles={"": "bold"}), Column("")), rows, whole=True)


def _part_fact(part: Mapping[str, Any]) -> str:
    if part["type"] == "text":
        return str(part["text"])
    if part["type"] == "table":
        return f"{len(part['rows'])} rows of {', '.join(part['columns'])}"
    size = f"{part['width']} x {part['height']}, " if "width" in part else ""
    length = f"{part['duration']:.1f} s, " if "duration" in part else ""
    return f"{part.get('name') or ''} {size}{length}{part['mime']}, {part['media']}".strip()


def _reading_fact(reading: Mapping[str, Any]) -> str:
    if reading["error"]:
        return f"failed: {reading['error']}"
    return " | ".join(filter(None, map(_finding_fact, reading["findings"])))


def _finding_fact(finding: Mapping[str, Any]) -> str:
    place = f"{finding['start']:.1f} s " if finding["start"] is not None else ""
    sure = f" {finding['confidence']:.2f}" if finding["confidence"] is not None else ""
    return f"{place}{finding['text'] or finding['label'] or finding['value'] or ''}{sure}".strip()
