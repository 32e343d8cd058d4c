"""A result knows its code: one changed line of any module that took part makes it stale; wording does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alciato.errors import AlciatoError
from alciato.experiments import identity
from alciato.experiments.identity import changed, hashes_of, loaded_code, normalised_hash

SOURCE = '''"""What it is."""
import math
LIMIT = 3
"""What the limit is."""

def area(r):
    """Give the area."""
    return math.pi * r ** 2  # of a circle
'''


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("What it is.", "In other words."),
        SOURCE.replace("Give the area.", "Say how much it covers."),
        SOURCE.replace("  # of a circle", ""),
        SOURCE.replace("What the limit is.", "A remark."),
        SOURCE.replace("math.pi * r ** 2", "(math.pi\n        * r**2)"),
        SOURCE.replace('    """Give the area."""\n', ""),
    ],
)
def test_wording_and_layout_change_nothing(same):
    assert same != SOURCE
    assert normalised_hash(same) == normalised_hash(SOURCE)


@pytest.mark.parametrize(
    "other",
    [
        SOURCE.replace("** 2", "** 3"),
        SOURCE.replace("LIMIT = 3", "LIMIT = 4"),
        SOURCE.replace("LIMIT = 3", "LIMIT = 3.0"),
        SOURCE.replace("math.pi * r", "math.pi + r"),
        SOURCE.replace("def area(r)", "def area(r=1)"),
        SOURCE.replace("import math", "import cmath as math"),
        SOURCE + "LIMIT = 3\n",
        SOURCE.replace("return math.pi * r ** 2", 'return "pi"'),
    ],
)
def test_what_could_change_a_figure_changes_the_hash(other):
    assert other != SOURCE
    assert normalised_hash(other) != normalised_hash(SOURCE)


@given(st.text(st.characters(blacklist_characters="\\\"'\n\r\x00", blacklist_categories=("Cs",))))
def test_no_docstring_takes_part(words):
    told = f'def f():\n    "{words}"\n    return 1\n'
    assert normalised_hash(told) == normalised_hash("def f():\n    return 1\n")


def test_strings_that_are_values_take_part():
    assert normalised_hash('def f():\n    x = "a"\n') != normalised_hash('def f():\n    x = "b"\n')
    assert normalised_hash('if a:\n    "b"\n') != normalised_hash('if a:\n    "c"\n')  # no docstring stands there


def write_package(folder: Path) -> None:
    """A package with an experiment that imports a helper, which imports another, and data beside them."""
    package = folder / "plugged"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text('"""Plugged."""\n')
    (package / "deep.py").write_text("FACTOR = 2\n")
    (package / "helper.py").write_text(
        "from plugged.deep import FACTOR\n\ndef figure(seed):\n    return FACTOR * seed\n"
    )
    (package / "unused.py").write_text("X = 1\n")
    (package / "data" / "words.txt").write_text("one two")
    (package / "claim.py").write_text(
        "from alciato.experiments import Comparison, Experiment\n"
        "def run(seed, variant, dataset):\n"
        "    from plugged.helper import figure\n"
        "    return {'accuracy': figure(seed) + (variant == 'new')}\n"
        "EXPERIMENT = Experiment(name='plugged', paper='x', claim='x', data='x', code='x', datasets=('d',),\n"
        "    variants=('old', 'new'), baseline='old', metric='accuracy', varies='x', run=run,\n"
        "    primary=Comparison('new', 'old', 'accuracy'))\n"
    )


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from plugged.claim import EXPERIMENT
from alciato.experiments import run_experiment, load_result
from alciato.experiments.results import staleness
folder = Path(sys.argv[1]) / "results"
if sys.argv[2] == "run":
    result = run_experiment(EXPERIMENT, folder=folder, processes=0)
    print(len(result.records), sorted(name for name in result.code if name.startswith("plugged")))
    print("alciato.cli" in str(sorted(result.code)))
else:
    print(staleness(EXPERIMENT, load_result(folder, "plugged")))
"""


def in_a_process(folder: Path, verb: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder), verb], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_one_changed_line_of_an_imported_helper_makes_the_record_stale(tmp_path: Path):
    write_package(tmp_path)
    told, cli = in_a_process(tmp_path, "run")
    assert told == "10 ['plugged', 'plugged.claim', 'plugged.deep', 'plugged.helper', 'plugged:words.txt']"
    assert cli == "False"
    assert in_a_process(tmp_path, "look") == ["[]"]
    deep, words = tmp_path / "plugged" / "deep.py", tmp_path / "plugged" / "data" / "words.txt"
    deep.write_text('"""A helper."""\nFACTOR = 2  # still\n')
    assert in_a_process(tmp_path, "look") == ["[]"]  # wording
    deep.write_text("FACTOR = 3\n")
    assert in_a_process(tmp_path, "look") == ["['changed since: plugged.deep']"]
    deep.write_text("FACTOR = 2\n")
    (tmp_path / "plugged" / "unused.py").write_text("X = 2\n")
    assert in_a_process(tmp_path, "look") == ["[]"]  # it took no part
    words.write_text("one two three")
    assert in_a_process(tmp_path, "look") == ["['changed since: plugged:words.txt']"]
    words.write_text("one two")
    deep.unlink()
    assert in_a_process(tmp_path, "look") == ["['changed since: plugged.deep']"]


@pytest.mark.slow
def test_a_resumed_run_begins_anew_when_code_has_changed(tmp_path: Path):
    import json

    write_package(tmp_path)
    in_a_process(tmp_path, "run")
    kept = tmp_path / "results" / "plugged.json"
    document = json.loads(kept.read_text())
    document["records"] = document["records"][:4]
    document["records"][0]["metrics"]["accuracy"] = 77.0  # so that a record that was kept is recognised
    kept.write_text(json.dumps(document))
    in_a_process(tmp_path, "run")
    assert json.loads(kept.read_text())["records"][0]["metrics"]["accuracy"] == 77.0  # same code: it went on
    (tmp_path / "plugged" / "helper.py").write_text("def figure(seed):\n    return 5.0\n")
    in_a_process(tmp_path, "run")
    figures = [record["metrics"]["accuracy"] for record in json.loads(kept.read_text())["records"]]
    assert figures == [5.0, 6.0] * 5


def test_code_that_changes_while_it_runs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = tmp_path / "changing_module.py"
    module.write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("changing_module")
    first = loaded_code("changing_module")
    assert list(first) == ["changing_module"]
    module.write_text("X = 2\n")
    with pytest.raises(
        AlciatoError, match=r"changing_module\.py: the code was changed while an experiment was running"
    ):
        loaded_code("changing_module")
    assert changed(first) == ["changing_module"]
    del sys.modules["changing_module"]


def test_the_data_of_the_project_take_part():
    found = hashes_of(["alciato.world", "alciato.experiments"])
    assert {"alciato.world:words.yaml", "alciato.experiments:phrase_vectors.npz"} <= set(found)
    assert changed(found) == []
    assert changed({**found, "alciato.world:words.yaml": "x", "alciato.gone": "y"}) == [
        "alciato.world:words.yaml",
        "alciato.gone",
    ]


def test_a_module_that_is_gone_has_an_empty_hash():
    assert hashes_of(["alciato.no_such_module"]) == {"alciato.no_such_module": ""}


def test_the_command_line_takes_no_part():
    __import__("alciato.cli.main")
    assert not [name for name in loaded_code() if name.startswith(("alciato.cli", "alciato.experiments.runner"))]
    assert identity.JUDGING == ("alciato.experiments.statistics", "alciato.experiments.verdict")
