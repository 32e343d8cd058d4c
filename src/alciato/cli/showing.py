"""`alciato demo`: the whole job on about seventy made posts, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alciato.cli.contract import JsonFlag, OfflineFlag, QuietFlag, SetFlag, Terminal, settings


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the posts, the collection and the report go.")] = Path(
        "alciato-demo"
    ),
    offline: OfflineFlag = False,
    set_: SetFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Build about seventy posts, then add, read, search, judge, ask, and write a report; say what happens."""
    from alciato.demo import run_demo

    terminal = Terminal(json, quiet)
    result = run_demo(folder, settings(set_, offline=offline or None), terminal.say)
    if json:
        from alciato.library import as_json

        terminal.document(as_json(result))
