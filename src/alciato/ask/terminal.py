"""An answer for the terminal: sentences with numbers, and below them what each number stands for."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alciato.ask.reply import NOT_HELD, Reply, place


def render(reply: Reply) -> RenderableType:
    """Lay out an answer. What comes from posts is plain text: no markup, no control characters."""
    if not reply.found:
        return Text(NOT_HELD, "yellow")
    said = Text()
    for sentence in reply.sentences:
        said.append(_plain(sentence.text))
        said.append("".join(f" [{number}]" for number in sentence.citations), "cyan")
        said.append("\n")
    return Group(said, _sources(reply), *_remarks(reply))


def _sources(reply: Reply) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", justify="right", no_wrap=True)
    table.add_column(ratio=1)
    for citation in reply.citations:
        by = " ".join(part for part in (citation.author, (citation.created_at or "")[:10]) if part)
        line = Text(_plain(place(citation)), overflow="fold")
        if by:
            line.append(f"  {_plain(by)}", "dim")
        table.add_row(Text(f"[{citation.number}]"), line)
    return table


def _remarks(reply: Reply) -> list[Text]:
    if not reply.dropped:
        return []
    few = "sentence" if reply.dropped == 1 else "sentences"
    return [Text(f"{reply.dropped} {few} left out: the posts did not support them.", "dim")]


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
