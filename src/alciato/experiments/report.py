"""`docs/systems.md`: one row for each of the 58 systems, from the list, the declared experiments and their results.

not started: nothing of it is here. built: its mechanism is here, `code` in the list or in its experiment. measured: all
runs of its experiment are there, of the code and the rule as they stand. A stale result is not shown: its row says what
was changed since. A claim that was not supported stays in the table.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from alciato.experiments.declaration import Experiment, experiments
from alciato.experiments.results import Result, load_result, shortcomings
from alciato.experiments.statistics import Interval, interval, outcome, paired, share_supported
from alciato.experiments.verdict import DatasetVerdict, Held, judge, power_sentence

Status = Literal["not started", "built", "measured"]


class System(NamedTuple):
    """One of the published systems. `code` is the module of its mechanism, empty while there is none."""

    slug: str
    title: str
    verb: str
    paper: str
    code: str


class ReportRow(NamedTuple):
    """A system, how far it is, and why its result, if there is one, is not shown."""

    system: System
    state: Status
    experiment: Experiment | None
    result: Result | None
    lacking: tuple[str, ...]


def systems() -> list[System]:
    """All systems, by slug."""
    text = files("alciato.experiments").joinpath("systems.csv").read_text("utf-8")
    return [System(**row) for row in csv.DictReader(text.splitlines())]


def notes_on(slug: str) -> list[str]:
    """Explanations of what surprises in a result; written after the run, so they are no part of the declaration."""
    from ruamel.yaml import YAML

    text = files("alciato.experiments").joinpath("notes.yaml").read_text("utf-8")
    return list(YAML(typ="safe", pure=True).load(text).get(slug, []))


def row_of(system: System, experiment: Experiment | None, result: Result | None) -> ReportRow:
    """Say how far a system is. A result counts if it is full, and of the code and the rule as they stand."""
    lacking = tuple(shortcomings(experiment, result)) if experiment and result else ()
    if experiment and result and not lacking:
        return ReportRow(system, "measured", experiment, result, ())
    return ReportRow(system, "built" if system.code or experiment else "not started", experiment, None, lacking)


def write_report(path: Path, results: Path) -> dict[Status, int]:
    """Write the page; how many systems are how far."""
    declared = {experiment.name: experiment for experiment in experiments()}
    rows = []
    for system in systems():
        experiment = declared.get(system.slug)
        rows.append(row_of(system, experiment, load_result(results, system.slug) if experiment else None))
    counts: dict[Status, int] = {"not started": 0, "built": 0, "measured": 0}
    for row in rows:
        counts[row.state] += 1
    details = [details_of(row.experiment, row.result, results) for row in rows if row.experiment and row.result]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(counts, [_cells(row) for row in rows], details), "utf-8")
    return counts


_HEAD = """# The systems, and how far each is

Written by `alciato experiments report`; do not edit. A test holds it against the committed results, and a result whose
code or rule was changed since is not shown. Metrics are means over units with their standard deviation; an interval is
Student's t interval of the paired difference. It would cover 95 % if the units were independent. Folds share most of
their training data, so each section also gives intervals that are widened for that, and the verdict that these give
where it is another. Everything was measured on composed data and small tables: a laboratory, not a claim about
photographs."""
_TABLE = ["| system | verb | paper | status | claim | figure | verdict |", "| --- " * 7 + "|"]


def _page(counts: dict[Status, int], rows: Sequence[str], details: Sequence[str]) -> str:
    total = ", ".join(f"{count} {name}" for name, count in counts.items())
    return "\n\n".join([_HEAD, f"{total}.", "\n".join([*_TABLE, *rows]), *details]) + "\n"


def _cells(row: ReportRow) -> str:
    system, experiment, result = row.system, row.experiment, row.result
    code = system.code or (experiment.code if experiment else "")
    name = f"[{system.slug}](../src/{code.replace('.', '/')}.py)" if code else system.slug
    judgements = judge(experiment, result) if experiment and result else []
    cells = [
        f"{name}: {system.title}",
        system.verb,
        f"[{system.paper}](https://arxiv.org/abs/{system.paper})" if system.paper else "",
        row.state,
        experiment.claim if experiment else "",
        "; ".join(_primary_figure(experiment, result, one) for one in judgements) if experiment and result else "",
        _verdicts(judgements) or (f"to be run again: {'; '.join(row.lacking)}" if row.lacking else ""),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _primary_figure(experiment: Experiment, result: Result, judgement: DatasetVerdict) -> str:
    primary = experiment.primary
    sides = [
        f"{side} {mean_text(interval(result.values(judgement.dataset, side, primary.metric)))}"
        for side in (primary.variant, primary.than)
    ]
    units = judgement.primary.found.units
    return f"{judgement.dataset}, {primary.metric}: {' against '.join(sides)}, n = {units}"


def _verdicts(judgements: Sequence[DatasetVerdict]) -> str:
    return "; ".join(f"{one.dataset}: {whole_verdict_text(one)}" for one in judgements)


def whole_verdict_text(judgement: DatasetVerdict) -> str:
    """The verdict, and the one that widened intervals give where it is another."""
    strict = widened_verdict(judgement)
    other = f" (with widened intervals: {strict})" if strict != judgement.verdict else ""
    return f"{verdict_text(judgement)}{other}"


def widened(found: Interval) -> Interval:
    """Widen the interval of k folds for their shared training data.

    The variance of the mean is taken as (1/k + 1/(k - 1)) s^2 instead of s^2 / k, where 1/(k - 1) is the ratio of test
    to training data: the corrected resampled t-test of Nadeau and Bengio, Machine Learning 52, 2003.
    """
    if found.low is None or found.high is None:
        return found
    factor = (1 + found.units / (found.units - 1)) ** 0.5
    half = factor * (found.high - found.low) / 2
    return found._replace(low=found.mean - half, high=found.mean + half)


def widened_verdict(judgement: DatasetVerdict) -> str:
    """The verdict by the same rule with widened intervals."""
    premise, primary = judgement.premise, judgement.primary
    if premise is not None and outcome(widened(premise.found), premise.premise.at_least) != "supported":
        return "premise not met"
    return outcome(widened(primary.found), primary.comparison.margin)


def verdict_text(judgement: DatasetVerdict) -> str:
    """The verdict in words; an unclear one says how many units would tell."""
    if judgement.verdict != "unclear":
        return judgement.verdict
    if judgement.needed is None:
        return "unclear (over 1,000 units would be needed at this spread)"
    return f"unclear (about {judgement.needed} units would tell at this spread)"


def mean_text(found: Interval) -> str:
    """Write a mean with its standard deviation."""
    return f"{found.mean:.3f}" + (f" ± {found.std:.3f}" if found.std is not None else "")


def interval_text(found: Interval) -> str:
    """Write a difference with its interval."""
    bounds = f" [{found.low:+.3f}, {found.high:+.3f}]" if found.low is not None and found.high is not None else ""
    return f"{found.mean:+.3f}{bounds}"


def details_of(experiment: Experiment, result: Result, folder: Path) -> str:
    """The section of one experiment: declaration, power, verdict and tables of each data set, notes."""
    primary = experiment.primary
    declared = [
        f"**Claim**: {experiment.claim}",
        f"**Data**: {experiment.data} {experiment.varies}",
        f"**Rule**: {primary.sentence} ({primary.reason}).",
        power_sentence(experiment),
    ]
    if experiment.premise:
        declared.insert(2, f"**Premise**: {experiment.premise.sentence} ({experiment.premise.reason}).")
    confirmed = (
        f" The code was changed since; {len(result.confirmed)} runs, one of each variant and data set, "
        "gave the same figures again."
        if result.confirmed
        else ""
    )
    cost = (
        f"{len(result.records)} runs, {result.seconds / 60:.0f} minutes of one core in all; "
        f"[metrics of every run]({folder.name}/{experiment.name}.json).{confirmed}"
    )
    sections = [_dataset(experiment, result, one) for one in judge(experiment, result)]
    notes = ["\n".join(f"- {note}" for note in notes_on(experiment.name))]
    return "\n\n".join(part for part in [f"## {experiment.name}", *declared, *sections, *notes, cost] if part)


def _dataset(experiment: Experiment, result: Result, judgement: DatasetVerdict) -> str:
    lines = [f"### {experiment.name} on {judgement.dataset}: {whole_verdict_text(judgement)}"]
    facts = []
    if judgement.premise is not None:
        met = "met" if judgement.premise.met else "not met"
        found = judgement.premise.found
        facts.append(
            f"- premise {met}: {judgement.premise.premise.sentence}: {interval_text(found)}, n = {found.units}"
        )
    facts.append(f"- primary: {_held(judgement.primary)}")
    facts.append(_widened_fact(judgement))
    facts += _power_of_the_run(experiment, judgement)
    facts += [f"- secondary: {_held(held)}" for held in judgement.secondary]
    return "\n\n".join([*lines, "\n".join(facts), _table(experiment, result, judgement.dataset)])


def _widened_fact(judgement: DatasetVerdict) -> str:
    premise = f"premise {interval_text(widened(judgement.premise.found))}, " if judgement.premise else ""
    primary = interval_text(widened(judgement.primary.found))
    return (
        f"- with intervals widened for shared training data: {premise}primary {primary}: {widened_verdict(judgement)}"
    )


def _power_of_the_run(experiment: Experiment, judgement: DatasetVerdict) -> list[str]:
    """Say how often the rule would have supported half the effect, with the spread that the run had."""
    effect = experiment.pilot.effect.get(judgement.dataset) if experiment.pilot else None
    found, margin = judgement.primary.found, experiment.primary.margin
    if effect is None or not found.std:
        return []
    true, false = (share_supported(difference, found.std, found.units, margin) for difference in (effect / 2, 0.0))
    spread = f"the spread of this run (standard deviation {found.std:.3f})"
    rates = f"{true:.0%} of simulated runs where the difference is {effect / 2:.3f}, in {false:.1%} where it is 0"
    return [f"- power with {spread}: supported in {rates}"]


def _held(held: Held) -> str:
    return f"{held.comparison.sentence}: {interval_text(held.found)}, {held.outcome}"


def _table(experiment: Experiment, result: Result, dataset: str) -> str:
    """Means of all metrics of all variants; the table's metric with spread and difference to the baseline."""
    metric = experiment.metric
    names = list(dict.fromkeys(name for variant in experiment.variants for name in result.metrics_of(dataset, variant)))
    others = [name for name in names if name != metric]
    head = [f"| variant | {metric} | against {experiment.baseline} | {' | '.join(others)} |"]
    head.append("| --- |" + " ---: |" * (2 + len(others)))
    lines = [_line(experiment, result, (dataset, variant), others) for variant in experiment.variants]
    return "\n".join([*head, *lines])


def _line(experiment: Experiment, result: Result, place: tuple[str, str], others: Sequence[str]) -> str:
    dataset, variant = place
    own = result.metrics_of(dataset, variant)
    values = result.values(dataset, variant, experiment.metric)
    difference = ""
    if variant != experiment.baseline:
        difference = interval_text(paired(values, result.values(dataset, experiment.baseline, experiment.metric)))
    cells = [f"{_mean(result.values(dataset, variant, name)):.3f}" if name in own else "" for name in others]
    name = f"{variant} (trivial)" if variant in experiment.trivial else variant
    return f"| {name} | {mean_text(interval(values))} | {difference} | {' | '.join(cells)} |"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
