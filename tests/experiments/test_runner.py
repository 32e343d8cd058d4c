"""The runner: figures to verdict, resuming, failures by name; declarations that could not mean anything."""

from __future__ import annotations

import json

import pytest

from alciato.errors import AlciatoError, UsageError
from alciato.experiments import Expect, declaration, experiment, find_experiment
from alciato.experiments.results import load_result
from alciato.experiments.runner import run_experiment
from fake_experiment import FIGURES, declared, figures


def run(one, **options):
    return run_experiment(one, processes=0, **options)


def test_figures_become_a_verdict():
    result = run(declared())
    old, new = result.summaries
    assert (old.mean, old.seeds) == (pytest.approx(0.60), 5)
    assert old.deviation == pytest.approx(0.0790569)
    assert new.mean == pytest.approx(0.71)
    assert new.difference == pytest.approx(0.11)
    assert 0.09 < new.low < 0.11 < new.high < 0.13
    assert result.comparisons[0].sentence == "accuracy: new is better than old"
    assert result.verdict == "supported"
    assert result.metrics["new"] == {"accuracy": pytest.approx(0.71), "posts": 100}


def test_a_claim_that_fails_says_so():
    level = declared(lambda seed, variant, posts=1: figures(seed, variant, posts, shift=-0.2))
    assert run(level).verdict == "not supported"
    doubtful = declared(lambda seed, variant, posts=1: figures(seed, variant, posts, shift=-0.11))
    assert run(doubtful).verdict == "unclear"


def test_lower_can_be_better():
    lower = declared(
        lambda seed, variant, posts=1: {"accuracy": -FIGURES[variant][seed]},
        expects=(Expect("new", "old", lower=True),),
    )
    assert run(lower).verdict == "supported"


def test_small_runs_once_and_concludes_nothing():
    result = run(declared(), small=True)
    assert [record.seed for record in result.records] == [0, 0]
    assert result.parameters == {"posts": 3, "shift": 0.0}
    assert result.verdict == "unclear"


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    ran = []

    def stopping(seed, variant, posts=1):
        if len(ran) == 5:
            raise KeyboardInterrupt
        ran.append((variant, seed))
        return figures(seed, variant)

    one = declared(stopping)
    with pytest.raises(KeyboardInterrupt):
        run(one, folder=tmp_path)
    kept = json.loads((tmp_path / "fake.json").read_text())
    assert len(kept["records"]) == 5
    assert kept["verdict"] is None
    ran.append(("marker", -1))
    result = run(one, folder=tmp_path)
    assert len(ran) == 11
    assert len(set(ran)) == 11  # nothing was run twice
    assert result.verdict == "supported"
    assert load_result(tmp_path, "fake") == result
    assert result.environment["packages"]["alciato"]


def test_other_parameters_begin_anew_and_again_does_too(tmp_path):
    ran = []

    def counting(seed, variant, posts=1):
        ran.append(posts)
        return figures(seed, variant)

    one = declared(counting)
    run(one, folder=tmp_path, seeds=2)
    run(one, folder=tmp_path, seeds=3)  # two of them are there
    assert len(ran) == 6
    run(one, folder=tmp_path, seeds=1, small=True)
    assert ran[6:] == [3, 3]
    run(one, folder=tmp_path, seeds=1, small=True, again=True)
    assert len(ran) == 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"accuracy": float("nan")}, "fake, variant old, seed 0: accuracy is nan"),
        ({"loss": 1.0}, "fake, variant old, seed 0: there is no figure 'accuracy'"),
    ],
)
def test_a_figure_that_is_none_is_named(given, message):
    with pytest.raises(AlciatoError, match=message):
        run(declared(lambda seed, variant, posts=1: given))


def test_a_broken_result_is_named(tmp_path):
    (tmp_path / "fake.json").write_text("{}")
    with pytest.raises(AlciatoError, match=r"fake\.json: the file is not a result"):
        run(declared(), folder=tmp_path)


def test_declarations_that_mean_nothing_are_refused(monkeypatch):
    monkeypatch.setattr(declaration, "_registered", {})
    with pytest.raises(UsageError, match="no variant of fake is named 'newer'.*'new'"):
        declared(expects=(Expect("newer", "old"),))
    with pytest.raises(UsageError, match="expects nothing"):
        declared(expects=())
    fields = {name: getattr(declared(), name) for name in declared().__dataclass_fields__ if name != "run"}
    with pytest.raises(UsageError, match="parameter 'posts' of fake has no default"):
        experiment(**fields)(lambda seed, variant, posts: {})
    with pytest.raises(UsageError, match="no parameter of fake is named 'posts'"):
        experiment(**fields)(lambda seed, variant: {})
    experiment(**fields)(figures)
    with pytest.raises(UsageError, match="'fake' exists already"):
        experiment(**fields)(lambda seed, variant, posts=1: {})
    with pytest.raises(UsageError, match="no experiment is named 'memetektor'"):
        find_experiment("memetektor")


def test_not_worse_is_said_in_words():
    assert Expect("a", "b", "auroc", by=-0.02).sentence("f1") == "auroc: a is not worse than b by more than 0.02"
    assert Expect("a", "b", by=0.1).sentence("f1") == "f1: a is better than b by more than 0.1"
