"""`alciato judge`: judge posts against a written policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alciato.cli.contract import DONE, SKIPPED, ModelFlag, PolicyFlag, Session, Terminal, on_collection, pairs

if TYPE_CHECKING:
    from alciato.item import Verdict
    from alciato.library import AddSummary, Library

_FIELDS = ("item", "source", "decision", "scores", "reasons", "target", "evidence", "policy", "model", "strategy")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(on_collection(judge, choice=True))


def judge(
    session: Session,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files or folders to add and judge. [default: the collection]"),
    ] = None,
    policy: PolicyFlag = None,
    strategy: Annotated[
        str, typer.Option(metavar="NAME", help="prototype (no chat model), prompt, or modular.")
    ] = "prototype",
    model: ModelFlag = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Change an option of the strategy, such as examples=0."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML report for reviewers.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the verdicts as JSON lines.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Judge also what this judge has judged already.")] = False,
) -> None:
    """Judge posts against a written policy.

    Each verdict has a decision (allow, review or remove), a score for each category, reasons, and the lines of the post
    that they rest on.
    """
    from alciato.report import write_jsonl, write_report

    terminal = session.terminal
    _check_names(policy, strategy)
    options = pairs(option, "--option", "examples=0")
    library, added = _opened(session, paths, _models(strategy, model))
    loaded = library.policy(policy, strategy)
    chosen = session.choice.ids(library)
    ids = chosen if added is None else [item for item in added.ids if chosen is None or item in set(chosen)]
    with terminal.progress() as progress:
        verdicts = library.judge(loaded, strategy=strategy, options=options, ids=ids, again=again, report=progress)
        kept = list(_printed(terminal, verdicts))
    if output:
        write_jsonl(output, kept)
    if report:
        write_report(report, library.collection, loaded, kept, limits=library.runtime.settings.limits)
        terminal.say(f"report: {report}")
    if not kept:
        terminal.say("no post was judged: none is in the collection, or none is chosen.")
    elif not terminal.json and not terminal.quiet:
        from alciato.cli.tables import verdict_table

        terminal.show(verdict_table(kept))
    unread = added is not None and bool(added.skipped or (added.read and added.read.failed))
    unjudged = any(not verdict.scores for verdict in kept)
    raise typer.Exit(SKIPPED if unread or unjudged else DONE)


def _models(strategy: str, model: str | None) -> dict[str, str | None]:
    """Give the setting that `--model` changes: that of the model which the strategy needs."""
    from alciato.judge import STRATEGIES

    return {} if model is None else {STRATEGIES.get(strategy).needs.model: model}


def _check_names(policy: str | None, strategy: str) -> None:
    """Find a wrong name before anything is taken in and read."""
    from alciato.errors import unknown_name
    from alciato.judge import STRATEGIES, load_policy

    if strategy not in STRATEGIES:
        raise unknown_name("strategy", strategy, list(STRATEGIES))
    if policy is not None:
        load_policy(policy)


def _opened(
    session: Session, paths: list[Path] | None, models: Mapping[str, str | None]
) -> tuple[Library, AddSummary | None]:
    """Open the collection; a path that is a collection is opened, other paths are taken in and read first."""
    from alciato.cli.posts import tell_added
    from alciato.sources.files import is_collection

    if paths and len(paths) == 1 and is_collection(paths[0]):
        session, paths = replace(session, collection=str(paths[0])), None
    library = session.library(models=models, create=bool(paths))
    if not paths:
        return library, None
    with session.terminal.progress() as progress:
        added = library.add(*paths, report=progress)
    tell_added(replace(session.terminal, json=False), added)
    return library, added


def _printed(terminal: Terminal, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Pass verdicts on; with `--json`, print each as soon as it is there."""
    for verdict in verdicts:
        if terminal.json:
            values = verdict.model_dump(mode="json")
            terminal.lines([{name: values[name] for name in _FIELDS}])
        yield verdict
