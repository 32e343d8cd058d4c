"""`docs/systems.md`: one row for each of the 58 systems, from the list, the declared experiments and their results.

not started: nothing of it is here. built: its mechanism is here, `code` in the list or in its experiment. measured: its
experiment has a verdict over at least 5 seeds at full size. A claim that was not supported stays in the table.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from alciato.experiments.declaration import Experiment, experiments
from alciato.experiments.results import Result, load_result

Status = Literal["not started", "built", "measured"]
SEEDS = 5


class System(NamedTuple):
    """One of the published systems. `code` is the module of its mechanism, empty while there is none."""

    slug: str
    title: str
    verb: str
    paper: str
    code: str


def systems() -> list[System]:
    """All systems, by slug."""
    text = files("alciato.experiments").joinpath("systems.csv").read_text("utf-8")
    return [System(**row) for row in csv.DictReader(text.splitlines())]


def status(system: System, experiment: Experiment | None, result: Result | None) -> Status:
    """Say how far a system is."""
    if experiment and result and result.verdict and is_full(experiment, result):
        return "measured"
    return "built" if system.code or experiment else "not started"


def is_full(experiment: Experiment, result: Result) -> bool:
    """Tell whether a result is of the full parameters and of enough seeds."""
    declared = json.loads(json.dumps(experiment.parameters))  # as a result holds them: tuples are lists
    return result.parameters == declared and all(s.seeds >= SEEDS for s in result.summaries)


def write_report(path: Path, results: Path) -> dict[Status, int]:
    """Write the page; how many systems are how far."""
    declared = {experiment.name: experiment for experiment in experiments()}
    counts: dict[Status, int] = {"not started": 0, "built": 0, "measured": 0}
    rows, details = [], []
    for system in systems():
        experiment = declared.get(system.slug)
        result = load_result(results, system.slug) if experiment else None
        state = status(system, experiment, result)
        counts[state] += 1
        rows.append(_row(system, state, experiment, result))
        if experiment and result and state == "measured":
            details.append(_details(experiment, result, results))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(counts, rows, details), "utf-8")
    return counts


_HEAD = """# The systems, and how far each is

Written by `alciato experiments report`; do not edit. Figures are means over seeds with their standard deviation; an
interval is of the paired difference (bootstrap, 95 %, see `alciato/experiments/statistics.py`). They were measured on
composed data: a laboratory, not a claim about photographs."""
_TABLE = ["| system | verb | paper | status | claim | figure | verdict |", "| --- " * 7 + "|"]


def _page(counts: dict[Status, int], rows: Sequence[str], details: Sequence[str]) -> str:
    total = ", ".join(f"{count} {name}" for name, count in counts.items())
    return "\n\n".join([_HEAD, f"{total}.", "\n".join([*_TABLE, *rows]), *details]) + "\n"


def _row(system: System, state: Status, experiment: Experiment | None, result: Result | None) -> str:
    code = system.code or (experiment.code if experiment else "")
    name = f"[{system.slug}](../src/{code.replace('.', '/')}.py)" if code else system.slug
    shown = result if state == "measured" else None
    cells = [
        f"{name}: {system.title}",
        system.verb,
        _paper(system.paper),
        state,
        experiment.claim if experiment else "",
        _figure(shown) if shown else "",
        str(shown.verdict) if shown else "",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _paper(paper: str) -> str:
    return f"[{paper}](https://arxiv.org/abs/{paper})" if paper else ""


def _figure(result: Result) -> str:
    parts = [f"{summary.variant} {figure_text(summary.mean, summary.deviation)}" for summary in result.summaries]
    return f"{result.figure}: " + ", ".join(parts)


def figure_text(mean: float, deviation: float | None) -> str:
    """Write a mean with its spread."""
    return f"{mean:.3f}" + (f" ± {deviation:.3f}" if deviation is not None else "")


def interval_text(mean: float, low: float | None, high: float | None) -> str:
    """Write a difference with its interval."""
    return f"{mean:+.3f}" + (f" [{low:+.3f}, {high:+.3f}]" if low is not None and high is not None else "")


def _details(experiment: Experiment, result: Result, folder: Path) -> str:
    rule = f"Supported if {experiment.supports} Refuted if {experiment.refutes}"
    comparisons = [
        f"- {one.sentence}: {interval_text(one.difference, one.low, one.high)}, {one.outcome}"
        for one in result.comparisons
    ]
    cost = f"{len(result.records)} runs, {result.seconds / 60:.1f} minutes of one core in all"
    lines = [
        f"## {experiment.name}: {result.verdict}",
        f"Claim: {experiment.claim} Data: {experiment.data} {rule}",
        "\n".join(comparisons),
        _metrics(result),
        f"{cost}; [figures of every run]({folder.name}/{experiment.name}.json).",
    ]
    return "\n\n".join(lines)


def _metrics(result: Result) -> str:
    """Table of the means of all metrics."""
    names = list(dict.fromkeys(name for row in result.metrics.values() for name in row))
    head = [f"| variant | {' | '.join(names)} |", "| --- |" + " ---: |" * len(names)]
    for variant, row in result.metrics.items():
        head.append(f"| {variant} | {' | '.join(f'{row[name]:.3f}' if name in row else '' for name in names)} |")
    return "\n".join(head)
