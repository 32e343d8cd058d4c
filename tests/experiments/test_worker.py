"""A run in a worker process: the same figures as in this one, its code told, its failure named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alciato.errors import AlciatoError, UsageError
from alciato.experiments import find_experiment, run_experiment
from alciato.experiments.worker import run_named, run_once
from fake_experiment import declared


def test_a_run_gives_its_record_and_the_code_that_made_it():
    record, code = run_once(declared(), ("hard", "new", 2), {"shift": 0.05})
    assert record.place == ("hard", "new", 2)
    assert record.metrics["accuracy"] == pytest.approx(0.81 - 0.1 + 0.05)
    assert {"fake_experiment", "alciato.experiments.worker", "alciato.errors"} <= set(code)
    assert all(len(known) == 16 for known in code.values())


def test_an_unknown_experiment_is_named():
    with pytest.raises(UsageError, match="'multimodn'"):
        run_named("multimodm", ("digits", "modular", 0), {})


def test_whole_numbers_become_figures_and_text_does_not():
    record, _ = run_once(declared(lambda seed, variant, dataset: {"accuracy": True}, small={}), ("easy", "old", 0), {})
    assert record.metrics == {"accuracy": 1.0}
    with pytest.raises(ValueError, match="could not convert"):
        run_once(declared(lambda seed, variant, dataset: {"accuracy": "good"}, small={}), ("easy", "old", 0), {})


def test_a_failing_run_is_not_swallowed(tmp_path):
    def failing(seed, variant, dataset):
        if seed == 1:
            raise AlciatoError("no luck.")
        return {"accuracy": 1.0}

    one = declared(failing, small={})
    with pytest.raises(AlciatoError, match="no luck"):
        run_experiment(one, folder=tmp_path, processes=0)
    assert (tmp_path / "fake.json").exists()  # what was finished is kept


@pytest.mark.slow
def test_a_process_of_its_own_gives_the_same_figures():
    one = find_experiment("multimodn")
    place = ("breast_cancer", "presence alone", 0)
    here, _ = run_once(one, place, {"epochs": 1})
    code = (
        "from alciato.experiments.worker import run_named\n"
        "record, code = run_named('multimodn', ('breast_cancer', 'presence alone', 0), {'epochs': 1})\n"
        "heavy = [name for name in code if name.startswith(('alciato.learn', 'alciato.store'))]\n"
        "print(record.metrics['auroc flipped'], bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == [str(here.metrics["auroc flipped"]), "False"]
