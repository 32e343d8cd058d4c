"""Every declared experiment runs at its smallest size; the page has a row for each of the 58 systems."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alciato.cli.main import app
from alciato.experiments import Premise, experiments, load_result, report, results, run_experiment
from alciato.experiments.report import details_of, notes_on, systems, write_report
from alciato.experiments.results import shortcomings
from alciato.experiments.statistics import interval, paired
from fake_experiment import declared

DECLARED = experiments()
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_it_runs_at_its_smallest_size(one):
    result = run_experiment(one, small=True, processes=1)
    assert [record.place for record in result.records] == one.runs_of(1)
    assert details_of(one, result, Path("results")).startswith(f"## {one.name}")
    wanted = {f"{one.code}", f"alciato.experiments.systems.{one.name}", "alciato.world:words.yaml"}
    assert wanted <= set(result.code)
    assert not [name for name in result.code if name.startswith("alciato.cli")]


@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_it_declares_what_it_must(one):
    assert one.name in {system.slug for system in systems()}
    assert one.small, "a smallest size"
    assert all((one.claim, one.data, one.code, one.varies))
    assert "n = " in one.varies


@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_the_pilot_that_is_declared_is_the_pilot_that_was_run(one):
    rows = json.loads((DOCS / "results" / "pilots" / f"{one.name}.json").read_text("utf-8"))
    primary, sign = one.primary, -1 if one.primary.lower else 1
    assert {row["seed"] for row in rows} == set(one.pilot.seeds)
    for dataset in one.pilot.effect:
        columns = {(row["variant"], row["seed"]): row["metrics"] for row in rows if row["dataset"] == dataset}
        differences = [
            sign * (columns[primary.variant, seed][primary.metric] - columns[primary.than, seed][primary.metric])
            for seed in one.pilot.seeds
        ]
        assert np.std(differences, ddof=1) == pytest.approx(one.pilot.std[dataset], abs=0.0006)
        lost = [columns[one.premise.variant, seed][one.premise.metric] for seed in one.pilot.seeds]
        assert np.mean(lost) == pytest.approx(one.pilot.effect[dataset], abs=0.0006)


def test_there_are_58_systems():
    found = systems()
    assert len(found) == len({system.slug for system in found}) == 58
    assert all(system.title and system.paper for system in found)
    assert {system.verb for system in found} == {"read", "search", "judge", "ask", "make", "learn", "bench"}


def behind(seed, variant, dataset, posts=1):
    return {"accuracy": 0.5 if variant == "new" else 0.6 + seed / 100}


def page_of(one, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "experiments", lambda: [one])
    counts = write_report(tmp_path / "systems.md", tmp_path / "results")
    return counts, (tmp_path / "systems.md").read_text("utf-8")


def test_the_page_keeps_what_was_refuted(tmp_path, monkeypatch):
    one = declared(behind, name="clamr")
    counts, page = page_of(one, tmp_path, monkeypatch)
    assert counts == {"not started": 57, "built": 1, "measured": 0}
    run_experiment(one, folder=tmp_path / "results", processes=0)
    counts, page = page_of(one, tmp_path, monkeypatch)
    assert counts == {"not started": 57, "built": 0, "measured": 1}
    row = next(line for line in page.splitlines() if line.startswith("| [clamr]"))
    assert "easy: not supported" in row
    assert "new 0.500 ± 0.000 against old 0.620 ± 0.016, n = 5" in row
    assert "### clamr on easy: not supported" in page
    assert "accuracy: new is better than old by more than 0.02: -0.120 [-0.140, -0.100], not supported" in page


def test_the_page_tells_premise_trivial_baselines_and_how_many_units_would_tell(tmp_path, monkeypatch):
    one = declared(
        name="clamr", datasets=("easy", "hard"), premise=Premise("old", "loss", 0.40, "it must fail"), trivial=("old",)
    )
    run_experiment(one, folder=tmp_path / "results", processes=0)
    page = page_of(one, tmp_path, monkeypatch)[1]
    assert "### clamr on easy: premise not met" in page
    assert "- premise not met: loss of old is above 0.4: +0.400 [+0.302, +0.498], n = 5" in page
    assert "### clamr on hard: supported" in page
    assert "| old (trivial) |" in page
    unclear = declared(
        name="clamr", run=lambda seed, variant, dataset: {"accuracy": seed * (variant == "new")}, small={}
    )
    run_experiment(unclear, folder=tmp_path / "results", processes=0)
    assert "### clamr on easy: unclear (about " not in page_of(one, tmp_path, monkeypatch)[1]
    assert "supported" in page_of(unclear, tmp_path, monkeypatch)[1]


@pytest.mark.parametrize("options", [{"small": True, "seeds": 5}, {"seeds": 3}])
def test_a_small_or_short_run_is_not_a_measurement(tmp_path, monkeypatch, options):
    one = declared(name="clamr")
    run_experiment(one, folder=tmp_path / "results", processes=0, **options)
    counts, page = page_of(one, tmp_path, monkeypatch)
    assert counts["measured"] == 0
    assert "to be run again: " in page


def test_the_page_is_not_written_from_stale_records(tmp_path, monkeypatch):
    one = declared(name="clamr")
    run_experiment(one, folder=tmp_path / "results", processes=0)
    assert page_of(one, tmp_path, monkeypatch)[0]["measured"] == 1
    monkeypatch.setattr(results, "changed", lambda code: ["alciato.item.span"])
    counts, page = page_of(one, tmp_path, monkeypatch)
    assert counts["measured"] == 0
    assert "to be run again: changed since: alciato.item.span" in page
    assert "0.71" not in page  # no stale figure stands
    monkeypatch.undo()
    other = declared(name="clamr", seeds=4)
    assert "to be run again: the declared rule was changed" in page_of(other, tmp_path, monkeypatch)[1]


def figures_of(one) -> set[str]:
    """Every figure that a note may state, as it is written: of the committed result, its comparisons and its pilot."""
    result = load_result(DOCS / "results", one.name)
    told: set[float] = {one.primary.margin, one.premise.at_least}
    for dataset in one.datasets:
        for variant in one.variants:
            for metric in result.metrics_of(dataset, variant):
                values = result.values(dataset, variant, metric)
                told |= {*values, interval(values).mean, interval(values).std}
                if metric in result.metrics_of(dataset, one.baseline):
                    told.add(paired(values, result.values(dataset, one.baseline, metric)).mean)
        for compared in (one.primary, *one.secondary):
            sides = (result.values(dataset, side, compared.metric) for side in (compared.variant, compared.than))
            differences = [first - second for first, second in zip(*sides, strict=True)]
            told |= {*differences, interval(differences).mean, interval(differences).std}
    told |= {*one.pilot.std.values(), *one.pilot.effect.values()}
    return {f"{abs(value):.3f}" for value in told}


@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_figures_in_notes_are_those_of_the_committed_result(one):
    stated = {figure for note in notes_on(one.name) for figure in re.findall(r"\d\.\d{3}", note)}
    assert stated - figures_of(one) == set()


def test_notes_are_of_systems_that_are_declared():
    assert all(isinstance(note, str) and note.endswith(".") for one in DECLARED for note in notes_on(one.name))
    assert notes_on("no such system") == []


def test_the_commands(tmp_path):
    run = CliRunner().invoke
    assert run(app, ["experiments", "list"]).exit_code == 0
    told = json.loads(run(app, ["experiments", "list", "--json"]).stdout)
    assert [one["name"] for one in told] == [one.name for one in DECLARED]
    assert all(one["premise"]["reason"] and "Power, from the pilot" in one["power"] for one in told)
    out = tmp_path / "systems.md"
    found = run(app, ["experiments", "report", "--out", str(out), "--results", str(tmp_path), "--json"])
    assert found.exit_code == 0
    assert '"not started"' in found.stdout
    assert out.read_text().startswith("# The systems")


def test_listing_loads_no_torch():
    code = "from alciato.experiments import experiments; experiments(); import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_a_committed_result_is_full_and_of_the_code_as_it_stands(one):
    result = load_result(DOCS / "results", one.name)
    if result is None:
        pytest.skip("there is no result yet")
    found = shortcomings(one, result)
    told = f"alciato experiments run {one.name} --confirm (or as a whole), then alciato experiments report"
    assert not found, f"{'; '.join(found)}; run: {told}"


def test_the_committed_page_is_what_the_committed_results_give(tmp_path):
    write_report(tmp_path / "systems.md", DOCS / "results")
    assert (tmp_path / "systems.md").read_text("utf-8") == (DOCS / "systems.md").read_text("utf-8")
