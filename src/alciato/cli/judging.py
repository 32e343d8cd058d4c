"""`alciato judge`: judge posts against a written policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from alciato.item import Verdict
    from alciato.library import AddSummary, Library

_FIELDS = ("item", "source", "decision", "scores", "reasons", "target", "evidence", "policy", "model", "strategy")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(judge)


def judge(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH...]", help="Files or folders to take in and judge. [default: the collection]"),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="Name of a policy that ships, or path of a YAML file. [default: general]"),
    ] = None,
    strategy: Annotated[str, typer.Option(help="prototype (no chat model), prompt, or modular.")] = "prototype",
    chat: Annotated[str | None, typer.Option(help="Chat model for the strategy prompt.")] = None,
    model: Annotated[str | None, typer.Option(help="Trained judge for the strategy modular, trained:FOLDER.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write one HTML page for people here.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the verdicts as JSON lines here.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Judge also what this judge has judged already.")] = False,
    offline: OfflineFlag = False,
    set_: SetFlag = None,
    collection: CollectionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Judge posts against a written policy: a decision, scores, reasons, and the lines that they rest on."""
    from alciato.report import write_jsonl, write_report

    terminal = Terminal(json, quiet)
    _check_names(policy, strategy)
    models = {"chat": chat, "judge": model}
    library, added = _opened(terminal, paths, set_, collection, offline=offline, models=models)
    loaded = library.policy(policy, strategy)
    ids = None if added is None else added.ids
    with terminal.progress() as progress:
        verdicts = library.judge(loaded, strategy=strategy, ids=ids, again=again, report=progress)
        kept = list(_printed(terminal, verdicts))
    if output:
        write_jsonl(output, kept)
    if report:
        write_report(report, library.collection, loaded, kept)
        terminal.say(f"report: {report}")
    if not json:
        from alciato.report import verdict_table

        terminal.show(verdict_table(kept))
    unread = added is not None and bool(added.skipped or (added.read and added.read.failed))
    unjudged = any(not verdict.scores for verdict in kept)
    raise typer.Exit(SKIPPED if unread or unjudged else DONE)


def _check_names(policy: str | None, strategy: str) -> None:
    """Find a wrong name before anything is taken in and read."""
    from alciato.errors import unknown_name
    from alciato.judge import STRATEGIES, load_policy

    if strategy not in STRATEGIES:
        raise unknown_name("strategy", strategy, list(STRATEGIES))
    if policy is not None:
        load_policy(policy)


def _opened(
    terminal: Terminal,
    paths: list[Path] | None,
    changes: list[str] | None,
    collection: str | None,
    *,
    offline: bool,
    models: Mapping[str, str | None],
) -> tuple[Library, AddSummary | None]:
    """Open the collection; a path that is a collection is opened, other paths are taken in and read first."""
    from alciato.cli.collecting import tell_added

    if paths and len(paths) == 1 and (paths[0] / "items.lance").is_dir():
        collection, paths = str(paths[0]), None
    library = open_library(collection, changes, offline=offline, models=models, create=bool(paths))
    if not paths:
        return library, None
    with terminal.progress() as progress:
        added = library.add(*paths, report=progress)
    tell_added(Terminal(json=False, quiet=terminal.quiet), added)
    return library, added


def _printed(terminal: Terminal, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Pass verdicts on; with `--json`, print each as soon as it is there."""
    for verdict in verdicts:
        if terminal.json:
            values = verdict.model_dump(mode="json")
            terminal.lines([{name: values[name] for name in _FIELDS}])
        yield verdict
