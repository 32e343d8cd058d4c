"""A small folder of real posts; the command line as a function, and as a process where a process is what is tested."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alciato.cli import main
from alciato.judge.calibration import CURVES
from alciato.models.runtime import SCHEMES
from pictures import picture
from read.doubles import Named, SizedOcr
from search_doubles import WordEncoder

Run = Callable[..., subprocess.CompletedProcess[str]]


class Words(WordEncoder):
    """The encoder of words under a name that a runtime can load."""

    name = "double:words"


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    folder = tmp_path / "posts"
    folder.mkdir()
    picture(folder / "monday.png", "NO MORE\nMONDAYS")
    picture(folder / "teapot.jpg", "THE TEAPOT\nIS FULL", "darkgreen")
    rows = [
        {"id": "m1", "text": "We should throw every Martian into the volcano", "author": "zork"},
        {"id": "m2", "text": "My sourdough bread has risen overnight", "author": "pim", "reply_to": "m1"},
        {"id": "m3", "text": "La tetera está encima de la mesa", "created_at": "2024-06-01T10:00:00Z"},
    ]
    (folder / "posts.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and a cache of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCIATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("ALCIATO_COLLECTION", raising=False)
    monkeypatch.setattr("alciato.memory.limit_malloc_arenas", lambda: None)  # changes the process


@pytest.fixture
def alciato(environment: None) -> Run:
    """Run `alciato …` as a function: parsing, messages and status are those of the process."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        given = [*map(str, arguments)]
        results, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(results), contextlib.redirect_stderr(said):
            status = main.run(given)
        return subprocess.CompletedProcess(given, status, results.getvalue(), said.getvalue())

    return run


@pytest.fixture
def process(environment: None) -> Run:
    """Run a script, or `-m alciato …`, as a process that finds the tests' doubles."""
    path = os.pathsep.join([str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[1])])

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=300, check=False
        )

    return run


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that cost nothing: words for vectors, sizes of pictures for the text on them, no speech."""
    models = {"encoder": "double:words", "ocr": "double:ocr", "transcriber": None}
    monkeypatch.setenv("ALCIATO_MODELS", json.dumps(models))
    monkeypatch.setenv("ALCIATO_WORKERS", "1")
    monkeypatch.setitem(SCHEMES.registered_members, "double", "read.doubles:load_double")
    monkeypatch.setattr(Named, "models", {"words": Words(), "ocr": SizedOcr()})
    monkeypatch.setattr(Named, "loaded", [])
    monkeypatch.setattr("alciato.judge.strategies.prototype.curves_for", lambda *_: CURVES)  # it counts words only
