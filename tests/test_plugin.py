"""A plug-in, installed as a package: found by its entry point, run by its examples and by a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "plugin_package"
EXAMPLES = """
from alciato.judge import STRATEGIES
from alciato.judge.strategy import load_strategy
from alciato.judge.decide import decision_for
from alciato.models import Runtime
from alciato.read import Content
assert "word-list" in STRATEGIES.names()
for example in STRATEGIES.get("word-list").examples():
    (found,) = load_strategy("word-list", example.policy, Runtime()).judge([Content(example.item)])
    decisions = [decision_for(c, found.scores[c.id]) for c in example.policy.categories]
    assert max(decisions, key=("allow", "review", "remove").index) == example.decision
print("ok")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Environment in which the plug-in is installed, beside the packages of this environment."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(target), str(PACKAGE)], check=True, timeout=120)
    source = str(Path(__file__).parents[1] / "src")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(target), source])}


def run(installed, *arguments, folder):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=installed, cwd=folder, timeout=200, check=False)


@pytest.mark.slow
def test_its_examples_hold(installed, tmp_path):
    done = run(installed, "-c", EXAMPLES, folder=tmp_path)
    assert done.stdout.strip() == "ok", done.stderr


@pytest.mark.slow
def test_the_command_judges_by_it_and_reports_a_wrong_name(installed, tmp_path):
    (tmp_path / "a.txt").write_text("Throw them into the volcano")
    (tmp_path / "b.txt").write_text("Dinner is at eight")
    done = run(
        installed, "-m", "alciato", "judge", "a.txt", "b.txt", "--strategy", "word-list", "--json", folder=tmp_path
    )
    found = {Path(row["source"]).name: row["decision"] for row in map(json.loads, done.stdout.splitlines())}
    assert found == {"a.txt": "remove", "b.txt": "allow"}, done.stderr
    wrong = run(installed, "-m", "alciato", "judge", "a.txt", "--strategy", "word-lists", folder=tmp_path)
    assert wrong.returncode == 2
    assert "Did you mean 'word-list'" in wrong.stderr
