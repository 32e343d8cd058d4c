"""`alciato add`, `read`, `status`, `show`, `export`, `remove`: posts go into a collection, are looked at, and leave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.cli.contract import DONE, SKIPPED, Choice, Session, Terminal, on_collection, pairs
from alciato.errors import UsageError

if TYPE_CHECKING:
    from alciato.library import AddSummary
    from alciato.read import ReadSummary

OcrFlag = Annotated[str | None, typer.Option(metavar="MODEL", help="Model for text in pictures.")]
TranscriberFlag = Annotated[str | None, typer.Option(metavar="MODEL", help="Model for speech.")]
CaptionerFlag = Annotated[str | None, typer.Option(metavar="MODEL", help="Vision-language model for captions.")]
RunnerFlag = Annotated[str | None, typer.Option(metavar="NAME", help="native, or ray for a cluster.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID", help="Ids, or their unique beginnings.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(on_collection(add))
    app.command()(on_collection(read, choice=True))
    app.command()(on_collection(status))
    app.command()(on_collection(show))
    app.command()(on_collection(export, choice=True))
    app.command()(on_collection(remove, choice=True))
    app.command()(on_collection(embed))
    app.command()(on_collection(doctor))


def add(
    session: Session,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders.", show_default=False)],
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Column of a table of posts, by field.")
    ] = None,
    no_read: Annotated[bool, typer.Option("--no-read", help="Only add; `alciato read` reads later.")] = False,
    ocr: OcrFlag = None,
    transcriber: TranscriberFlag = None,
    captioner: CaptionerFlag = None,
    runner: RunnerFlag = None,
) -> None:
    """Add files and folders, and read them.

    Pictures, clips, recordings, texts, PDF files, and tables of posts: JSONL, CSV, Parquet, exports of Telegram.
    A post that is there already stays as it is, with its author and date: remove it first to add it in another way.
    """
    mapping = pairs(map_, "--map", "text=body (FIELD=COLUMN)") or None
    models = {"ocr": ocr, "transcriber": transcriber, "captioner": captioner}
    library = session.library(create=True, runner=runner, models=models)
    with session.terminal.progress() as progress:
        summary = library.add(*paths, mapping=mapping, read=not no_read, report=progress)
    tell_added(session.terminal, summary)
    failed = summary.read.failed if summary.read else []
    raise typer.Exit(SKIPPED if summary.skipped or failed else DONE)


def read(
    session: Session,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="Only this kind: ocr, language, pdq, shots, speech, …"),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Read also what these models have read already.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what could not be read.")] = False,
    ocr: OcrFlag = None,
    transcriber: TranscriberFlag = None,
    captioner: CaptionerFlag = None,
    runner: RunnerFlag = None,
) -> None:
    """Read what the named models have not read yet.

    After another model is named, only what it changes is read again.
    """
    terminal = session.terminal
    models = {"ocr": ocr, "transcriber": transcriber, "captioner": captioner}
    library = session.library(runner=runner, models=models)
    ids = session.choice.ids(library)
    with terminal.progress() as progress:
        summary = library.read(ids=ids, kinds=kinds, again=again, retry=retry, report=progress)
    if terminal.json:
        terminal.document(_read_document(summary))
    tell_read(terminal, summary)
    raise typer.Exit(SKIPPED if summary.failed else DONE)


def status(session: Session) -> None:
    """Show what a collection holds and what is unread. Loads no model."""
    from itertools import islice

    from alciato.read import unread

    terminal, library = session.terminal, session.library()
    now, waiting = library.status(), len(unread(library.collection, library.runtime))
    ids = [item.id for item in islice(library.items(), 3)]
    if terminal.json:
        terminal.document({**now.model_dump(mode="json"), "unread": waiting, "ids": ids})
        return
    from alciato.cli.tables import status_table

    terminal.show(status_table(now, waiting, ids))


def show(
    session: Session, items: Annotated[list[str], typer.Argument(metavar="ID", help="Ids, as tables print them.")]
) -> None:
    """Show posts in full: parts, readings and verdicts."""
    terminal, library = session.terminal, session.library()
    collection = library.collection
    ids = Choice(items).ids(library) or []
    told = [
        {
            "item": item.model_dump(mode="json"),
            "readings": [one.model_dump(mode="json", exclude={"item"}) for one in collection.readings([item.id])],
            "verdicts": [one.model_dump(mode="json") for one in collection.verdicts(ids=[item.id])],
        }
        for item in collection.items(ids)
    ]
    if terminal.json:
        terminal.document(told)
        return
    from alciato.cli.tables import post_facts

    for one in told:
        terminal.show(post_facts(one))


def export(session: Session, out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write.")]) -> None:
    """Write posts into a folder that `add` reads back.

    It gets posts.jsonl with a row a post, and the media. A posts.jsonl that is there already is not replaced.
    """
    library = session.library()
    count = library.export(out, session.choice.ids(library))
    if session.terminal.json:
        session.terminal.document({"posts": count, "folder": str(out)})
    session.terminal.say(f"{count} posts in {out}")


def remove(
    session: Session,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """Remove posts and all that was read of them. Their verdicts stay in the history."""
    terminal, library = session.terminal, session.library()
    ids = session.choice.ids(library)
    if ids is None:
        raise UsageError("no posts are chosen.", remedy="Choose them by --item, --where or --since.")
    if ids and not yes and not (sys.stdin.isatty() and typer.confirm(f"Remove {len(ids)} posts?", err=True)):
        raise UsageError(f"{len(ids)} posts would be removed.", remedy="Add --yes to remove them.")
    removed = library.remove(ids)
    if terminal.json:
        from alciato.library import as_json

        terminal.document(as_json(removed))
    terminal.say(f"removed {len(removed.items)} posts")


def embed(
    session: Session,
    encoder: Annotated[str, typer.Option(metavar="MODEL", help="Encoder of texts.")],
) -> None:
    """Encode all texts with another encoder, beside the first."""
    terminal, library = session.terminal, session.library()
    with terminal.progress() as progress:
        summary = library.embed(encoder, report=progress)
    if terminal.json:
        terminal.document(_read_document(summary))
    tell_read(terminal, summary)
    raise typer.Exit(SKIPPED if summary.failed else DONE)


def doctor(
    session: Session, repair: Annotated[bool, typer.Option("--repair", help="Rebuild what can be derived.")] = False
) -> None:
    """Check every file of a collection, and repair it. Exit status 1: something is damaged, or was lost."""
    terminal, library = session.terminal, session.library()
    problems = library.check(repair=repair)
    if terminal.json:
        from alciato.library import as_json

        terminal.document([as_json(problem) for problem in problems])
    else:
        from alciato.cli.tables import problem_table

        terminal.show(problem_table(problems) if problems else "Nothing is damaged.")
    raise typer.Exit(SKIPPED if problems else DONE)


def tell_added(terminal: Terminal, summary: AddSummary) -> None:
    """Say what was added and what was skipped, and why."""
    skipped = [{"path": s.path, "row": s.row, "reason": s.reason, "message": s.message} for s in summary.skipped]
    if terminal.json:
        read_part = _read_document(summary.read) if summary.read else None
        terminal.document({"added": summary.added, "known": summary.known, "skipped": skipped, "read": read_part})
    terminal.say(f"added {summary.added}, already there {summary.known}, skipped {len(skipped)}")
    if skipped:
        from alciato.cli.tables import skipped_table

        terminal.report(skipped_table(summary.skipped))
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
