"""A small folder of real posts, and the command as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pictures import picture

Run = Callable[..., subprocess.CompletedProcess[str]]


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
def alciato(tmp_path: Path) -> Run:
    """Run `alciato …` in a folder of its own, as a process."""
    environment = {**os.environ, "ALCIATO_CACHE": str(tmp_path / "cache"), "COLUMNS": "200"}
    environment.pop("ALCIATO_COLLECTION", None)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "alciato", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300, check=False
        )

    return run
