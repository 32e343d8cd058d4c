"""Every declared experiment runs at its smallest size; the page has a row for each of the 58 systems."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alciato.cli.main import app
from alciato.experiments import experiments, report
from alciato.experiments.report import systems, write_report
from alciato.experiments.runner import run_experiment
from fake_experiment import declared

DECLARED = experiments()


@pytest.mark.slow
@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_it_runs_at_its_smallest_size(one):
    result = run_experiment(one, small=True, processes=1)
    assert len(result.records) == len(one.variants)
    assert len(result.comparisons) == len(one.expects)


@pytest.mark.parametrize("one", DECLARED, ids=[one.name for one in DECLARED])
def test_it_declares_what_it_must(one):
    assert one.name in {system.slug for system in systems()}
    assert one.small, "a smallest size"
    assert all((one.claim, one.data, one.code, one.supports, one.refutes))
    assert one.seeds >= 5


def test_there_are_58_systems():
    found = systems()
    assert len(found) == len({system.slug for system in found}) == 58
    assert all(system.title and system.paper for system in found)
    assert {system.verb for system in found} == {"read", "search", "judge", "ask", "make", "learn", "bench"}


def test_the_page_keeps_what_was_refuted(tmp_path, monkeypatch):
    def behind(seed, variant, posts=1):
        return {"accuracy": 0.5 if variant == "new" else 0.6 + seed / 100}

    one = declared(behind, name="clamr")
    monkeypatch.setattr(report, "experiments", lambda: [one])
    counts = write_report(tmp_path / "systems.md", tmp_path / "results")
    assert counts == {"not started": 57, "built": 1, "measured": 0}
    run_experiment(one, folder=tmp_path / "results", processes=0)
    counts = write_report(tmp_path / "systems.md", tmp_path / "results")
    assert counts == {"not started": 57, "built": 0, "measured": 1}
    page = (tmp_path / "systems.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| [clamr]"))
    assert "not supported" in row
    assert "old 0.620 ± 0.016, new 0.500 ± 0.000" in row
    assert "## clamr: not supported" in page


def test_a_small_or_short_run_is_not_a_measurement(tmp_path, monkeypatch):
    one = declared(name="clamr")
    monkeypatch.setattr(report, "experiments", lambda: [one])
    for options in ({"small": True, "seeds": 5}, {"seeds": 3}):
        run_experiment(one, folder=tmp_path, processes=0, again=True, **options)
        assert write_report(tmp_path / "systems.md", tmp_path)["measured"] == 0


def test_the_commands(tmp_path):
    run = CliRunner().invoke
    assert run(app, ["experiments", "list"]).exit_code == 0
    out = tmp_path / "systems.md"
    found = run(app, ["experiments", "report", "--out", str(out), "--results", str(tmp_path), "--json"])
    assert found.exit_code == 0
    assert '"not started"' in found.stdout
    assert out.read_text().startswith("# The systems")


def test_listing_loads_no_torch():
    code = "from alciato.experiments import experiments; experiments(); import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_committed_page_is_what_the_committed_results_give(tmp_path):
    docs = Path(__file__).parents[2] / "docs"
    counts = write_report(tmp_path / "systems.md", docs / "results")
    assert counts["measured"] == len(list((docs / "results").glob("*.json")))
    assert (tmp_path / "systems.md").read_text("utf-8") == (docs / "systems.md").read_text("utf-8")
