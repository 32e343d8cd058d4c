"""The runner: every run once, resuming, confirming, failures by name."""

from __future__ import annotations

import json

import pytest

from alciato.errors import AlciatoError
from alciato.experiments import Pilot, confirm, load_result, results
from alciato.experiments.results import Record, Result, shortcomings, staleness
from alciato.experiments.runner import run_experiment, run_pilot
from fake_experiment import declared, figures


def run(one, **options):
    return run_experiment(one, processes=0, **options)


def test_every_data_set_variant_and_seed_is_run_once():
    one = declared(datasets=("easy", "hard"))
    told = []
    result = run(one, report=told.append)
    assert [record.place for record in result.records] == one.runs
    assert result.values("hard", "old", "accuracy") == pytest.approx([0.40, 0.50, 0.60, 0.45, 0.55])
    assert result.metrics_of("easy", "new") == ["accuracy", "loss", "posts"]
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 20, 20)
    assert result.rule == one.rule
    assert shortcomings(one, result) == []


def test_a_pilot_runs_the_two_sides_of_the_primary_comparison_under_its_own_seeds(tmp_path):
    def lengthy(seed, variant, dataset, posts=100):
        return {"accuracy": 0.123456 + seed / 1000}

    pilot = Pilot("two seeds", (100, 101), effect={"easy": 0.1}, std={"easy": 0.0})
    one = declared(lengthy, datasets=("easy", "hard"), variants=("old", "new", "other"), pilot=pilot, small={})
    path = run_pilot(one, tmp_path / "pilots", processes=0)
    rows = json.loads(path.read_text("utf-8"))
    assert path == tmp_path / "pilots" / "fake.json"
    assert [(row["variant"], row["seed"]) for row in rows] == [("new", 100), ("old", 100), ("new", 101), ("old", 101)]
    assert rows[0] == {"dataset": "easy", "variant": "new", "seed": 100, "metrics": {"accuracy": 0.2235}}
    with pytest.raises(AlciatoError, match="declares no pilot"):
        run_pilot(declared(), tmp_path)


def test_small_runs_one_seed_with_the_small_parameters():
    result = run(declared(), small=True)
    assert [record.seed for record in result.records] == [0, 0]
    assert result.parameters == {"posts": 3, "shift": 0.0}
    assert shortcomings(declared(), result) == ["not the full parameters", "8 of 10 runs are missing"]


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    ran = []

    def stopping(seed, variant, dataset, posts=1):
        if len(ran) == 5:
            raise KeyboardInterrupt
        ran.append((variant, seed))
        return figures(seed, variant, dataset)

    one = declared(stopping)
    with pytest.raises(KeyboardInterrupt):
        run(one, folder=tmp_path)
    assert len(json.loads((tmp_path / "fake.json").read_text())["records"]) == 5
    ran.append(("marker", -1))
    result = run(one, folder=tmp_path)
    assert len(ran) == 11
    assert len(set(ran)) == 11  # nothing was run twice
    assert load_result(tmp_path, "fake") == result
    assert result.environment["packages"]["alciato"]


def counting(ran):
    def run_one(seed, variant, dataset, posts=1):
        ran.append(posts)
        return figures(seed, variant, dataset)

    return run_one


def test_other_parameters_begin_anew_and_again_does_too(tmp_path):
    ran = []
    one = declared(counting(ran))
    run(one, folder=tmp_path, seeds=2)
    run(one, folder=tmp_path, seeds=3)  # two of them are there
    assert len(ran) == 6
    run(one, folder=tmp_path, seeds=1, small=True)
    assert ran[6:] == [3, 3]
    run(one, folder=tmp_path, seeds=1, small=True, again=True)
    assert len(ran) == 10


def test_another_rule_begins_anew(tmp_path):
    ran = []
    run(declared(counting(ran)), folder=tmp_path, seeds=1)
    run(declared(counting(ran), seeds=6), folder=tmp_path, seeds=1)
    assert len(ran) == 4


def test_other_code_begins_anew(tmp_path, monkeypatch):
    ran = []
    one = declared(counting(ran))
    run(one, folder=tmp_path, seeds=1)
    monkeypatch.setattr(results, "changed", lambda code: ["alciato.item.span"])
    assert staleness(one, load_result(tmp_path, "fake")) == ["changed since: alciato.item.span"]
    run(one, folder=tmp_path, seeds=1)
    assert len(ran) == 4


def test_a_result_without_code_is_stale():
    one = declared()
    assert staleness(one, Result(name="fake", rule=one.rule, parameters={})) == ["changed since: all code"]
    assert staleness(one, Result(name="fake", rule="x", parameters={}, code={"alciato.no": ""})) == [
        "the declared rule was changed"
    ]


def test_records_of_two_codes_are_not_mixed():
    record = Record(dataset="d", variant="v", seed=0, metrics={"a": 1.0}, seconds=0.0)
    result = Result(name="fake", rule="x", parameters={})
    result.add(record, {"one": "1", "two": "2"})
    result.add(record, {"three": "3"})
    assert result.code == {"one": "1", "three": "3", "two": "2"}
    with pytest.raises(AlciatoError, match="two was changed between two runs of fake"):
        result.add(record, {"two": "other"})
    assert len(result.records) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"accuracy": float("nan")}, "fake, easy, variant old, seed 0: accuracy is nan"),
        ({"accuracy": 1.0, "loss": float("inf")}, "fake, easy, variant old, seed 0: loss is inf"),
        ({"loss": 1.0}, "fake, easy, variant old, seed 0: there is no metric 'accuracy'"),
    ],
)
def test_a_figure_that_is_none_is_named(given, message):
    with pytest.raises(AlciatoError, match=message):
        run(declared(lambda seed, variant, dataset, posts=1: given))


def test_a_metric_that_a_variant_did_not_give_is_named():
    result = run(declared())
    with pytest.raises(AlciatoError, match=r"fake gave no metric 'f1' for new.*accuracy, loss, posts"):
        result.values("easy", "new", "f1")


def test_a_broken_result_is_named(tmp_path):
    (tmp_path / "fake.json").write_text("{}")
    with pytest.raises(AlciatoError, match=r"fake\.json: the file is not a result"):
        run(declared(), folder=tmp_path)


def stale(monkeypatch, tmp_path, one):
    """A full result whose code has changed since."""
    run(one, folder=tmp_path)
    document = json.loads((tmp_path / "fake.json").read_text())
    document["code"]["fake_experiment"] = "another hash"
    (tmp_path / "fake.json").write_text(json.dumps(document))
    assert staleness(one, load_result(tmp_path, "fake")) == ["changed since: fake_experiment"]


def test_a_stale_result_counts_again_once_its_runs_give_the_same(tmp_path, monkeypatch):
    one = declared(datasets=("easy", "hard"))
    stale(monkeypatch, tmp_path, one)
    result = confirm(one, tmp_path, processes=0)
    assert shortcomings(one, result) == []
    assert len(result.confirmed) == 4  # one of each variant and data set
    assert load_result(tmp_path, "fake") == result
    assert len(result.records) == 20


def test_a_figure_that_has_changed_is_not_confirmed(tmp_path, monkeypatch):
    stale(monkeypatch, tmp_path, declared())
    moved = declared(lambda seed, variant, dataset, posts=100, shift=0.0: figures(seed, variant, dataset, shift=1e-4))
    with pytest.raises(AlciatoError, match=r"fake, easy, new, \d: accuracy was 0.\d+ and is 0.\d+ now"):
        confirm(moved, tmp_path, processes=0)
    assert shortcomings(declared(), load_result(tmp_path, "fake"))  # it stays stale


def test_what_is_not_full_or_of_another_rule_is_not_confirmed(tmp_path):
    with pytest.raises(AlciatoError, match="no full result of fake"):
        confirm(declared(), tmp_path, processes=0)
    run(declared(), folder=tmp_path, seeds=3)
    with pytest.raises(AlciatoError, match="no full result of fake"):
        confirm(declared(), tmp_path, processes=0)
    run(declared(), folder=tmp_path)
    with pytest.raises(AlciatoError, match="no full result of fake"):
        confirm(declared(seeds=4), tmp_path, processes=0)
