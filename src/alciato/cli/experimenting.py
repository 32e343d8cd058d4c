"""`alciato experiments list`, `run`, `report`: hold the claims about mechanisms against data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.cli.contract import JsonFlag, QuietFlag, Terminal
from alciato.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from alciato.experiments.results import Result

RESULTS = Path("docs/results")
ResultsFlag = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder of the results.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    experiments = typer.Typer(no_args_is_help=True, help="Hold claims about mechanisms against data with known truth.")
    experiments.command("list")(list_)
    experiments.command()(run)
    experiments.command()(report)
    app.add_typer(experiments, name="experiments")


def list_(json: JsonFlag = False) -> None:
    """Show every experiment: its claim, its variants, how many seeds."""
    from alciato.experiments import experiments

    names = ("name", "paper", "claim", "data", "code", "variants", "baseline", "figure", "seeds", "supports", "refutes")
    rows: list[dict[str, Any]] = [{name: getattr(one, name) for name in names} for one in experiments()]
    terminal = Terminal(json)
    if json:
        terminal.document(rows)
        return
    table = _table("experiment", "claim", "baseline", "against", "figure", "seeds")
    for row in rows:
        others = ", ".join(variant for variant in row["variants"] if variant != row["baseline"])
        table.add_row(row["name"], row["claim"], row["baseline"], others, row["figure"], str(row["seeds"]))
    terminal.show(table)


def run(
    name: Annotated[str | None, typer.Argument(help="Name of an experiment, as `list` shows it.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run every experiment.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds. [default: the experiment's own, often 5]")] = None,
    small: Annotated[bool, typer.Option("--small", help="Smallest size: shows that it runs, nothing else.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Forget earlier results instead of going on.")] = False,
    processes: Annotated[int | None, typer.Option(min=0, help="Runs at once. [default: by cores and memory]")] = None,
    results: ResultsFlag = RESULTS,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Run an experiment over seeds; a stopped one goes on where it was. With --small nothing is kept."""
    from alciato.experiments import experiments, find_experiment
    from alciato.experiments.runner import run_experiment

    if (name is None) is not all_:
        raise UsageError("name one experiment, or --all.", remedy="`alciato experiments list` shows them.")
    terminal = Terminal(json, quiet)
    chosen = experiments() if name is None else [find_experiment(name)]
    options: dict[str, Any] = {"seeds": seeds, "small": small, "again": again, "processes": processes}
    options["folder"] = None if small else results
    with terminal.progress() as progress:
        found = [run_experiment(one, report=progress, **options) for one in chosen]
    if json:
        documents = [result.model_dump(mode="json") for result in found]
        terminal.document(documents if all_ else documents[0])
        return
    for result in found:
        _show(terminal, result)


def report(
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("docs/systems.md"),
    results: ResultsFlag = RESULTS,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write the page with one row for each of the systems: how far it is, what was measured, the verdict."""
    from alciato.experiments.report import write_report

    counts = write_report(out, results)
    terminal = Terminal(json, quiet)
    if json:
        terminal.document({"path": str(out), **counts})
    else:
        terminal.say(f"{out}: {', '.join(f'{count} {name}' for name, count in counts.items())}")


def _show(terminal: Terminal, result: Result) -> None:
    from alciato.experiments.report import figure_text, interval_text

    table = _table("variant", result.figure, "seeds", f"difference to {result.baseline}")
    for one in result.summaries:
        difference = "" if one.difference is None else interval_text(one.difference, one.low, one.high)
        table.add_row(one.variant, figure_text(one.mean, one.deviation), str(one.seeds), difference)
    table.title = f"{result.name}: {result.claim}"
    terminal.show(table)
    for held in result.comparisons:
        interval = interval_text(held.difference, held.low, held.high)
        terminal.show(f"  {held.sentence}: {interval}, {held.outcome}")
    terminal.show(f"verdict: {result.verdict}")


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
