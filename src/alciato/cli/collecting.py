"""`alciato add`, `read` and `status`: what goes into a collection, and what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.cli.contract import (
    DONE,
    SKIPPED,
    CollectionFlag,
    JsonFlag,
    OfflineFlag,
    QuietFlag,
    SetFlag,
    Terminal,
    open_library,
)
from alciato.errors import UsageError

if TYPE_CHECKING:
    from alciato.library import AddSummary
    from alciato.read import ReadSummary

OcrFlag = Annotated[str | None, typer.Option(help="Model for text in pictures.")]
TranscriberFlag = Annotated[str | None, typer.Option(help="Model for speech.")]
CaptionerFlag = Annotated[str | None, typer.Option(help="A chat model that sees, for captions.")]
RunnerFlag = Annotated[str | None, typer.Option(help="native, or ray for a cluster.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(add)
    app.command()(read)
    app.command()(status)


def add(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)],
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Column of a table of posts, by field.")
    ] = None,
    no_read: Annotated[bool, typer.Option("--no-read", help="Only take in; `alciato read` reads later.")] = False,
    ocr: OcrFlag = None,
    transcriber: TranscriberFlag = None,
    captioner: CaptionerFlag = None,
    runner: RunnerFlag = None,
    offline: OfflineFlag = False,
    set_: SetFlag = None,
    collection: CollectionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Take files and folders in, and read them: pictures, clips, recordings, texts, PDF, tables of posts."""
    terminal = Terminal(json, quiet)
    mapping = _mapping(map_)
    models = {"ocr": ocr, "transcriber": transcriber, "captioner": captioner}
    library = open_library(collection, set_, offline=offline, create=True, runner=runner, models=models)
    with terminal.progress() as report:
        summary = library.add(*paths, mapping=mapping, read=not no_read, report=report)
    tell_added(terminal, summary)
    failed = summary.read.failed if summary.read else []
    raise typer.Exit(SKIPPED if summary.skipped or failed else DONE)


def read(
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="Only this kind: ocr, language, pdq, shots, speech, …")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Read also what these models have read already.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what could not be read.")] = False,
    ocr: OcrFlag = None,
    transcriber: TranscriberFlag = None,
    captioner: CaptionerFlag = None,
    runner: RunnerFlag = None,
    offline: OfflineFlag = False,
    set_: SetFlag = None,
    collection: CollectionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Read what is unread, and what a better model than before is named for."""
    terminal = Terminal(json, quiet)
    models = {"ocr": ocr, "transcriber": transcriber, "captioner": captioner}
    library = open_library(collection, set_, offline=offline, runner=runner, models=models)
    with terminal.progress() as report:
        summary = library.read(kinds=kinds, again=again, retry=retry, report=report)
    if json:
        terminal.document(_read_document(summary))
    tell_read(terminal, summary)
    raise typer.Exit(SKIPPED if summary.failed else DONE)


def status(
    set_: SetFlag = None, collection: CollectionFlag = None, json: JsonFlag = False, quiet: QuietFlag = False
) -> None:
    """Say what is in the collection, what is unread, and how fresh the indexes are."""
    from alciato.read import unread

    terminal = Terminal(json, quiet)
    library = open_library(collection, set_)
    now, waiting = library.status(), len(unread(library.collection, library.runtime))
    if json:
        terminal.document({**now.model_dump(mode="json"), "unread": waiting})
        return
    from alciato.cli.tables import status_table

    terminal.show(status_table(now, waiting))


def _mapping(pairs: list[str] | None) -> dict[str, str] | None:
    """Read `--map FIELD=COLUMN` pairs."""
    if not pairs:
        return None
    for pair in pairs:
        if "=" not in pair:
            raise UsageError(f"--map {pair!r} has no '='.", remedy="Write FIELD=COLUMN, such as text=body.")
    return {field: column for field, _, column in (pair.partition("=") for pair in pairs)}


def tell_added(terminal: Terminal, summary: AddSummary) -> None:
    """Say what was added and what was skipped, and why."""
    skipped = [{"path": s.path, "row": s.row, "reason": s.reason, "message": s.message} for s in summary.skipped]
    if terminal.json:
        read_part = _read_document(summary.read) if summary.read else None
        terminal.document({"added": summary.added, "known": summary.known, "skipped": skipped, "read": read_part})
    terminal.say(f"added {summary.added}, already there {summary.known}, skipped {len(skipped)}")
    if skipped:
        from alciato.cli.tables import skipped_table

        terminal.table(skipped_table(summary.skipped))
    if summary.read:
        tell_read(terminal, summary.read)


def tell_read(terminal: Terminal, summary: ReadSummary) -> None:
    """Say what was read and what could not be."""
    terminal.say(f"read {summary.items} posts in {summary.seconds:.1f} s ({summary.readings} readings)")
    for reading in summary.failed:
        terminal.say(f"could not read {reading.kind} of {reading.item}, part {reading.part}: {reading.error}")


def _read_document(summary: ReadSummary) -> dict[str, Any]:
    failed = [{"item": r.item, "part": r.part, "kind": r.kind, "error": r.error} for r in summary.failed]
    return {
        "items": summary.items,
        "readings": summary.readings,
        "failed": failed,
        "seconds": round(summary.seconds, 3),
    }
