"""The page's sentences and tables against figures that were written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from alciato.experiments import Comparison, Pilot, Premise, report, run_experiment
from alciato.experiments.report import (
    details_of,
    interval_text,
    mean_text,
    row_of,
    systems,
    verdict_text,
    widened,
    widened_verdict,
)
from alciato.experiments.statistics import interval
from alciato.experiments.verdict import DatasetVerdict, judge
from fake_experiment import declared, figures


def row(slug: str = "clamr"):
    return next(system for system in systems() if system.slug == slug)


def test_figures_are_written_with_spread_and_interval():
    found = interval([0.10, 0.12, 0.11, 0.09, 0.13])
    assert mean_text(found) == "0.110 ± 0.016"
    assert interval_text(found) == "+0.110 [+0.090, +0.130]"
    assert interval_text(interval([-0.5])) == "-0.500"
    assert mean_text(interval([0.5])) == "0.500"


@pytest.mark.parametrize(
    ("verdict", "needed", "told"),
    [
        ("supported", None, "supported"),
        ("premise not met", None, "premise not met"),
        ("unclear", 13, "unclear (about 13 units would tell at this spread)"),
        ("unclear", None, "unclear (over 1,000 units would be needed at this spread)"),
    ],
)
def test_an_unclear_verdict_says_what_would_tell(verdict, needed, told):
    assert verdict_text(DatasetVerdict("easy", verdict, None, interval([0.10, 0.12]), (), needed)) == told


def test_intervals_of_folds_are_widened_for_the_training_data_that_they_share():
    """Five folds: the variance is (1/5 + 1/4) s^2 instead of s^2 / 5, so the interval is 1.5 times as wide."""
    found = interval([0.10, 0.12, 0.11, 0.09, 0.13])
    wide = widened(found)
    assert wide.mean == found.mean
    assert wide.high - wide.mean == pytest.approx(2.776445 * 0.0158114 * (1 / 5 + 1 / 4) ** 0.5, abs=1e-6)
    assert wide.mean - wide.low == pytest.approx(1.5 * (found.mean - found.low))
    two = widened(interval([0.0, 0.1]))
    assert two.high - two.mean == pytest.approx(12.7062 * 0.0707107 * (1 / 2 + 1) ** 0.5, abs=1e-4)
    assert widened(interval([0.5])).low is None


@pytest.mark.parametrize(
    ("at_least", "margin", "verdicts"),
    [
        (0.20, 0.02, ("supported", "supported")),
        (0.28, 0.02, ("supported", "premise not met")),  # the loss of old is 0.302 to 0.498, widened 0.253 to 0.547
        (0.20, 0.085, ("supported", "unclear")),  # the difference is 0.090 to 0.130, widened 0.081 to 0.139
        (0.20, 0.135, ("not supported", "unclear")),
    ],
)
def test_a_verdict_that_widened_intervals_change_says_so(at_least, margin, verdicts, tmp_path, monkeypatch):
    primary = Comparison("new", "old", "accuracy", margin, "less is not seen")
    one = declared(name="clamr", premise=Premise("old", "loss", at_least, "it must fail"), primary=primary)
    result = run_experiment(one, folder=tmp_path, processes=0)
    (found,) = judge(one, result)
    assert (found.verdict, widened_verdict(found)) == verdicts
    told = details_of(one, result, Path("r"))
    assert f"+0.110 [+0.081, +0.139]: {verdicts[1]}" in told
    monkeypatch.setattr(report, "experiments", lambda: [one])
    report.write_report(tmp_path / "page.md", tmp_path)
    (line,) = (line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("| [clamr]"))
    assert (f"(with widened intervals: {verdicts[1]})" in line) == (verdicts[0] != verdicts[1])


def test_the_power_is_told_with_the_spread_of_the_run_too():
    told = section(pilot=Pilot("three seeds", (100, 101, 102), {"easy": 0.08}, {"easy": 0.001}))
    assert "supported in 100% of simulated runs where the difference is 0.040" in told
    spread = "- power with the spread of this run (standard deviation 0.016): supported in "
    share = float(told.split(spread)[1].split("% of simulated")[0])
    assert 45 < share < 70  # 0.040 against a margin of 0.02 and an interval of 0.0196 each way


def test_how_far_a_system_is():
    one = declared(name="clamr")
    assert row_of(row(), None, None).state == "not started"
    assert row_of(row()._replace(code="alciato.search"), None, None).state == "built"
    assert row_of(row(), one, None).state == "built"
    full = row_of(row(), one, run_experiment(one, processes=0))
    assert (full.state, full.lacking) == ("measured", ())
    short = row_of(row(), one, run_experiment(one, seeds=2, processes=0))
    assert (short.state, short.result, short.lacking) == ("built", None, ("6 of 10 runs are missing",))


def section(**changes):
    one = declared(**changes)
    return details_of(one, run_experiment(one, processes=0), Path("docs/results"))


def test_a_section_holds_the_declaration_before_the_figures():
    told = section(
        premise=Premise("old", "loss", 0.25, "it must fail"),
        secondary=(Comparison("old", "new", "loss"),),
        pilot=Pilot("three seeds", (100, 101, 102), {"easy": 0.2}, {"easy": 0.02}),
    )
    wanted = [
        "## fake",
        "**Claim**: New is better than old.",
        "**Premise**: loss of old is above 0.25 (it must fail).",
        "**Rule**: accuracy: new is better than old by more than 0.02 (less is not seen).",
        "Power, from the pilot three seeds, n = 5",
        "### fake on easy: supported",
        "- premise met: loss of old is above 0.25: +0.400 [+0.302, +0.498], n = 5",
        "- primary: accuracy: new is better than old by more than 0.02: +0.110 [+0.090, +0.130], supported",
        "- secondary: loss: old is better than new: +0.110 [+0.090, +0.130], supported",
        "| variant | accuracy | against old | loss | posts |",
        "| old | 0.600 ± 0.079 |  | 0.400 | 100.000 |",
        "| new | 0.710 ± 0.089 | +0.110 [+0.090, +0.130] | 0.290 | 100.000 |",
        "10 runs, 0 minutes of one core in all; [metrics of every run](results/fake.json).",
    ]
    places = [told.index(line) for line in wanted]
    assert places == sorted(places)
    assert "same figures again" not in told


def test_a_metric_that_one_variant_lacks_leaves_its_cell_empty():
    def some(seed, variant, dataset):
        return {"accuracy": 0.5 + seed / 10, **({"heat": 0.25} if variant == "new" else {})}

    told = section(run=some, small={})
    assert "| variant | accuracy | against old | heat |" in told
    assert "| old | 0.700 ± 0.158 |  |  |" in told
    assert "+0.000 [+0.000, +0.000] | 0.250 |" in told


def test_each_data_set_has_its_own_table():
    told = section(datasets=("easy", "hard"))
    assert told.count("| variant | accuracy |") == 2
    assert told.index("### fake on easy") < told.index("### fake on hard")
    assert "| old | 0.500 ± 0.079 |" in told  # hard


def test_a_confirmed_result_says_so():
    one = declared()
    result = run_experiment(one, processes=0)
    result.confirmed = ["easy, old, 1", "easy, new, 3"]
    assert "2 runs, one of each variant and data set, gave the same figures again." in details_of(
        one, result, Path("r")
    )


def test_the_notes_stand_under_the_figures(monkeypatch):
    monkeypatch.setattr(report, "notes_on", lambda slug: [f"Why {slug} surprises."])
    told = section()
    assert told.index("| new |") < told.index("- Why fake surprises.") < told.index("10 runs")


def test_a_bar_in_a_claim_breaks_no_table(tmp_path, monkeypatch):
    one = declared(name="clamr", claim="a | b")
    monkeypatch.setattr(report, "experiments", lambda: [one])
    report.write_report(tmp_path / "page.md", tmp_path)
    (line,) = (line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("| [clamr]"))
    assert "a \\| b" in line
    assert line.replace("\\|", "").count("|") == 8


def test_the_page_is_the_same_at_every_writing(tmp_path, monkeypatch):
    one = declared(name="clamr", run=figures)
    monkeypatch.setattr(report, "experiments", lambda: [one])
    run_experiment(one, folder=tmp_path, processes=0)
    for name in ("a.md", "b.md"):
        report.write_report(tmp_path / name, tmp_path)
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()
