"""What the README says runs as it is written."""

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from alciato import world

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str, heading: str) -> str:
    """The code of one language under one heading."""
    section = README.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL))


@pytest.mark.slow
def test_train_your_own_judge_runs_as_written(tmp_path: Path):
    (tmp_path / "posts").mkdir()
    (tmp_path / "inbox").mkdir()
    rows = []
    for number, post in enumerate(world.make("confounder", 40, seed=11, size=64)):
        name = f"{number:02}.png"
        post.picture().save(tmp_path / ("posts" if number < 36 else "inbox") / name)
        if number < 36:
            rows.append({"file": name, "label": post.label})
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "label"])
        writer.writeheader()
        writer.writerows(rows)
    commands = [shlex.split(line) for line in blocks("sh", "Train your own judge").splitlines()]
    commands = [command for command in commands if command[0] == "alciato"]
    assert len(commands) == 3
    environment = {**os.environ, "ALCIATO_CACHE": str(tmp_path / "cache")}
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "my-judge" / "model.safetensors").exists()
    assert "4 posts" in done.stderr or done.stdout.count(".png") >= 1


def test_every_command_of_the_readme_exists():
    """Each `alciato VERB` that the README names is a command."""
    from typer.main import get_command

    from alciato.cli.main import app

    named = set(
        re.findall(r"^alciato ([a-z]+)", "\n".join(re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)), re.M)
    )
    assert named
    assert named <= set(get_command(app).commands)
