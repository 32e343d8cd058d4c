"""Prints the table of `docs/world.md` from the registry; `--write` puts it into the file."""

import sys
from pathlib import Path

from alciato import world

PAGE = Path(__file__).parent.parent / "docs" / "world.md"
BEGIN, END = "<!-- kinds: written by tools/world_kinds.py -->\n", "<!-- end of kinds -->\n"


def table() -> str:
    """One line a kind: its name, what it is, how many posts belong together, what can be chosen."""
    lines = ["| kind | what it is | in a set | options besides `size` and `cue` |", "| --- | --- | --- | --- |"]
    for kind in map(world.KINDS.get, world.KINDS):
        options = ", ".join(f"`{name}`" for name in kind.options.model_fields if name not in ("size", "cue"))
        lines.append(f"| `{kind.name}` | {kind.about} | {kind.members} | {options} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page with its table renewed."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        print(table())
