"""Prints the table of `docs/world.md` from the registry; `--write` puts it into the file.

`--speed` measures instead how many posts of each kind are composed and encoded in a second of processor time, at 128
pixels, seed 7: 100 posts after a first one, 20 clips (without speech).
"""

import sys
import time
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


def posts_a_second(kind: str) -> float:
    """Posts of a kind composed and encoded in a second of processor time."""
    number = 20 if kind == "clip" else 100
    options = {"speech": False} if kind == "clip" else {}
    size = 192 if kind == "inconsistency" else 128  # its smallest
    posts = iter(world.make(kind, number + 1, seed=7, size=size, **options))
    next(posts).media  # noqa: B018 - fonts and drawings are loaded
    start = time.process_time()
    for post in posts:
        post.media  # noqa: B018 - encodes
    return number / (time.process_time() - start)


if __name__ == "__main__":
    if "--speed" in sys.argv:
        for kind in world.KINDS:
            print(f"{kind}: {posts_a_second(kind):.0f} posts a second", flush=True)
    elif "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        print(table())
