"""`alciato demo`, `world …` and `experiments …`: made posts whose every fact is known, and claims measured on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.cli.contract import OptionFlag, Session, pairs, plain, with_settings
from alciato.errors import UsageError

if TYPE_CHECKING:
    from alciato.cli.contract import Terminal
    from alciato.cli.tables import Rows
    from alciato.experiments.declaration import Experiment
    from alciato.experiments.results import Result
    from alciato.experiments.verdict import DatasetVerdict

RESULTS = Path("docs/results")
ResultsFlag = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder of the results.")]
KindName = Annotated[str, typer.Argument(metavar="KIND", help="Kind of post; `alciato world kinds` lists them.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Chooses the posts: the same seed, the same posts.")]
SplitFlag = Annotated[
    str | None, typer.Option(metavar="NAME", help="train, validation or test: their concepts do not overlap.")
]
Size = Annotated[
    int | None, typer.Option(metavar="N", min=48, max=2048, help="Pixels of a picture's side. [default: 128]")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(with_settings(demo))
    world = typer.Typer(no_args_is_help=True, help="Compose posts with complete ground truth.")
    world.command()(plain(make))
    world.command("show")(plain(sheet))
    world.command()(plain(kinds))
    app.add_typer(world, name="world")
    experiments = typer.Typer(no_args_is_help=True, help="Measure published claims on data with ground truth.")
    experiments.command("list")(plain(list_))
    experiments.command()(plain(run))
    experiments.command()(plain(report))
    app.add_typer(experiments, name="experiments")


def demo(
    session: Session,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the posts, the collection and the report go.")
    ] = Path("alciato-demo"),
) -> None:
    """Build about seventy posts and run every verb on them.

    Adds, reads, searches, finds near copies, judges, asks, and writes a report; measures all against the truth.
    """
    from alciato.demo import run_demo

    terminal = session.terminal
    result = run_demo(folder, session.settings(), terminal.say)
    if terminal.json:
        from alciato.library import as_json

        terminal.document(as_json(result))


def make(
    session: Session,
    kind: KindName,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write, which `alciato add` reads.")],
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, max=10_000_000, help="How many posts.")] = 100,
    seed: Seed = 7,
    split: SplitFlag = None,
    size: Size = None,
    option: OptionFlag = None,
    workers: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Processes; the posts are the same.")] = 1,
) -> None:
    """Write posts of a kind with their ground truth. JSONL, Parquet and media; goes on where it was stopped."""
    from alciato import world

    terminal = session.terminal
    posts = world.make(kind, n, seed=seed, split=_split(split), workers=workers, **_options(size, option))
    with terminal.progress() as progress:
        folder = world.write(posts, out, progress)
    if terminal.json:
        terminal.document({"kind": kind, "posts": n, "seed": seed, "split": split, "folder": str(folder)})
    else:
        terminal.say(f"{n} posts of the kind {kind} in {folder}. To take them in: alciato add {folder}")


def sheet(
    session: Session,
    kind: KindName,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="PNG file to write. [default: KIND.png]")] = None,
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, max=400, help="How many posts.")] = 12,
    seed: Seed = 7,
    split: SplitFlag = None,
    size: Size = None,
    option: OptionFlag = None,
) -> None:
    """Draw a contact sheet of a kind of post. It shows picture, words and truth of each."""
    from alciato import world

    terminal, file = session.terminal, out or Path(f"{kind}.png")
    posts = world.make(kind, n, seed=seed, split=_split(split), **_options(size, option))
    world.sheet(posts).save(file, "PNG")
    if terminal.json:
        terminal.document({"kind": kind, "posts": n, "seed": seed, "split": split, "file": str(file)})
    else:
        terminal.say(f"{n} posts of the kind {kind} on {file}")


def kinds(session: Session) -> None:
    """List the kinds of post and what can be chosen for each."""
    from alciato import world

    terminal = session.terminal
    if terminal.json:
        told = [(kind, kind.options.model_json_schema()["properties"]) for kind in map(world.KINDS.get, world.KINDS)]
        terminal.document([{"kind": kind.name, "about": kind.about, "options": options} for kind, options in told])
        return
    from alciato.cli.tables import Column, Rows

    columns = (Column("kind"), Column("what it is", 3), Column("options", 1))
    rows = [(kind.name, kind.about, ", ".join(kind.options.model_fields)) for kind in map(world.KINDS.get, world.KINDS)]
    terminal.show(Rows(columns, rows, whole=True))


def list_(session: Session) -> None:
    """List the experiments with their claims. With --json also the power of each comparison."""
    from alciato.experiments import experiments

    found = experiments()
    if session.terminal.json:
        session.terminal.document([_declared(one) for one in found])
        return
    from alciato.cli.tables import Column, Rows

    columns = (
        Column("experiment"),
        Column("claim", 3),
        Column("data sets", 1),
        Column("primary comparison", 2),
        Column("seeds"),
    )
    told = [(one.name, one.claim, ", ".join(one.datasets), one.primary.sentence, str(one.seeds)) for one in found]
    session.terminal.show(Rows(columns, told, whole=True))


def _declared(one: Experiment) -> dict[str, Any]:
    from dataclasses import asdict

    from alciato.experiments.verdict import power_sentence

    names = (
        "name",
        "paper",
        "claim",
        "data",
        "code",
        "datasets",
        "variants",
        "baseline",
        "trivial",
        "metric",
        "varies",
    )
    return {name: getattr(one, name) for name in names} | {
        "premise": asdict(one.premise) if one.premise else None,
        "primary": asdict(one.primary),
        "secondary": [asdict(other) for other in one.secondary],
        "power": power_sentence(one),
        "seeds": one.seeds,
    }


def run(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of an experiment, as `list` shows it.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run every experiment.")] = False,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Seeds. [default: the experiment's own, often 5]")
    ] = None,
    small: Annotated[bool, typer.Option("--small", help="Smallest size: shows that it runs, nothing else.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Forget earlier results instead of going on.")] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Repeat one seed of each variant of a result whose code was changed.")
    ] = False,
    pilot: Annotated[
        bool, typer.Option("--pilot", help="Run its pilot only, from which its power is estimated.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Runs at once. [default: by cores and memory]")
    ] = None,
    results: ResultsFlag = RESULTS,
) -> None:
    """Run an experiment over several seeds. A stopped one goes on where it was; with --small nothing is kept."""
    from alciato.experiments import experiments, find_experiment
    from alciato.experiments.runner import confirm as confirm_result
    from alciato.experiments.runner import run_experiment

    if (name is None) is not all_:
        raise UsageError("name one experiment, or --all.", remedy="`alciato experiments list` shows them.")
    terminal = session.terminal
    chosen = experiments() if name is None else [find_experiment(name)]
    options: dict[str, Any] = {"seeds": seeds, "small": small, "again": again, "processes": processes}
    options["folder"] = None if small else results
    if pilot:
        _run_pilots(terminal, chosen, results / "pilots", processes)
        return
    with terminal.progress() as progress:
        if confirm:
            found = [confirm_result(one, results, processes=processes, report=progress) for one in chosen]
        else:
            found = [run_experiment(one, report=progress, **options) for one in chosen]
    if terminal.json:
        documents = [result.model_dump(mode="json") for result in found]
        terminal.document(documents if all_ else documents[0])
        return
    from alciato.experiments.verdict import judge

    for one, result in zip(chosen, found, strict=True):
        for judgement in judge(one, result):
            terminal.show(_variants(one, result, judgement.dataset))
            for line in _comparisons(judgement):
                terminal.show(line)


def _run_pilots(terminal: Terminal, chosen: Sequence[Experiment], folder: Path, processes: int | None) -> None:
    from alciato.experiments.runner import run_pilot

    with terminal.progress() as progress:
        paths = [str(run_pilot(one, folder, processes=processes, report=progress)) for one in chosen]
    if terminal.json:
        terminal.document({"paths": paths})
    else:
        terminal.say(f"written: {', '.join(paths)}")


def report(
    session: Session,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = Path("docs/systems.md"),
    results: ResultsFlag = RESULTS,
) -> None:
    """Write the page with the results of all systems. One row each: status, figure, verdict."""
    from alciato.experiments.report import write_report

    counts = write_report(out, results)
    if session.terminal.json:
        session.terminal.document({"path": str(out), **counts})
    else:
        session.terminal.say(f"{out}: {', '.join(f'{count} {name}' for name, count in counts.items())}")


def _variants(experiment: Experiment, result: Result, dataset: str) -> Rows:
    """Table of the metric of every variant on one data set."""
    from alciato.cli.tables import Column, Rows
    from alciato.experiments.report import interval_text, mean_text
    from alciato.experiments.statistics import interval, paired

    metric, baseline = experiment.metric, experiment.baseline
    columns = (Column("variant", 2), Column(metric), Column("units"), Column(f"difference to {baseline}", 1))
    against = result.values(dataset, baseline, metric)
    rows = []
    for variant in experiment.variants:
        values = result.values(dataset, variant, metric)
        difference = "" if variant == baseline else interval_text(paired(values, against))
        rows.append((variant, mean_text(interval(values)), str(len(values)), difference))
    return Rows(columns, rows, title=f"{experiment.name} on {dataset}")


def _comparisons(judgement: DatasetVerdict) -> list[str]:
    from alciato.experiments.report import interval_text, whole_verdict_text

    told, premise = [], judgement.premise
    if premise is not None:
        met = "met" if premise.met else "not met"
        told = [f"  premise {met}: {premise.premise.sentence}: {interval_text(premise.found)}"]
    held = [
        f"  {one.comparison.sentence}: {interval_text(one.found)}, {one.outcome}"
        for one in (judgement.primary, *judgement.secondary)
    ]
    return [*told, *held, f"verdict on {judgement.dataset}: {whole_verdict_text(judgement)}"]


def _split(split: str | None) -> Any:
    return split  # `make` checks it, with the same error as in Python


def _options(size: int | None, changes: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE, where VALUE is JSON, or a bare word."""
    options: dict[str, Any] = {} if size is None else {"size": size}
    for name, value in pairs(changes, "--option", "family=photograph").items():
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options
