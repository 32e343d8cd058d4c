"""Contents of a table as words, some rows to a finding."""

from __future__ import annotations

from alciato.item import Finding
from alciato.read.content import PartContent

LENGTH = 800  # characters of one finding, about


class TableReader:
    """`table`: text. Each row stands with its column names."""

    kind, model, version = "table", "rows", "1"
    parts = frozenset({"table"})
    after: tuple[str, ...] = ()

    def read(self, content: PartContent) -> list[Finding]:
        """Give the rows, grouped to passages."""
        found, waiting = [], ""
        for line in content.text.split("\n"):
            if waiting and len(waiting) + len(line) > LENGTH:
                found.append(Finding(text=waiting))
                waiting = ""
            waiting = f"{waiting}\n{line}".strip("\n")
        return [*found, Finding(text=waiting)] if waiting else found
