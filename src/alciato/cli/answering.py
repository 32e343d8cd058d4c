"""`alciato ask`: answers from the collection, with citations."""

from __future__ import annotations

from typing import Annotated

import typer

from alciato.cli.contract import CollectionFlag, JsonFlag, OfflineFlag, QuietFlag, SetFlag, Terminal, open_library


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(ask)


def ask(
    question: Annotated[str, typer.Argument(help="A question, in any language.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Passages to answer from at most.")] = 8,
    chat: Annotated[str | None, typer.Option(help="Chat model that writes the answer.")] = None,
    offline: OfflineFlag = False,
    set_: SetFlag = None,
    collection: CollectionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Answer a question from the posts; every sentence names the posts that it rests on."""
    terminal = Terminal(json, quiet)
    library = open_library(collection, set_, offline=offline, models={"chat": chat})
    reply = library.ask(question, k=k)
    if json:
        from alciato.library import as_json

        terminal.document(as_json(reply))
        return
    from alciato.ask import render

    terminal.show(render(reply))
