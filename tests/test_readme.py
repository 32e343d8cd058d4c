"""What the README says runs as it is written."""

import csv
import json
import re
import shlex
from pathlib import Path

import PIL.Image
import pytest
from skimage import data

from alciato import world
from alciato.cli.main import run
from alciato.judge.calibration import CURVES
from alciato.models.runtime import SCHEMES
from read.doubles import Named, SizedOcr
from search_doubles import WordEncoder

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str, heading: str) -> str:
    """The code of one language under one heading."""
    section = README.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL))


@pytest.fixture
def home(tmp_path: Path, monkeypatch):
    """A home with the files that the README names, and models that cost nothing."""
    memes = tmp_path / "memes"
    (tmp_path / "export").mkdir()
    memes.mkdir()
    photograph = PIL.Image.fromarray(data.astronaut())
    photograph.save(memes / "astronaut.png")
    photograph.resize((300, 300)).save(tmp_path / "saved.jpg")
    photograph.resize((280, 280)).save(memes / "copy.jpg")
    (memes / "cat.txt").write_text("The cat hates every Monday of the week.")
    (tmp_path / "export" / "result.json").write_text(
        json.dumps(
            {
                "messages": [
                    {
                        "id": 1,
                        "type": "message",
                        "date": "2024-06-01T10:00:00",
                        "from": "zork",
                        "text": "A teapot on Mars",
                    }
                ]
            }
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALCIATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ALCIATO_MODELS", '{"encoder": "double:words", "ocr": "double:ocr", "transcriber": null}')
    monkeypatch.setitem(SCHEMES.registered_members, "double", "read.doubles:load_double")
    encoder = WordEncoder()
    encoder.name = "double:words"
    monkeypatch.setattr(Named, "models", {"words": encoder, "ocr": SizedOcr()})
    monkeypatch.setattr("alciato.memory.limit_malloc_arenas", lambda: None)
    monkeypatch.setattr("alciato.judge.strategies.prototype.curves_for", lambda *_: CURVES)  # it counts words only
    return tmp_path


def test_on_your_own_folder_runs_as_written(home: Path, capsys):
    lines = [line.partition("#")[0].strip() for line in blocks("sh", "On your own folder").splitlines()]
    commands = [shlex.split(line.replace("~", str(home))) for line in lines if line.startswith("alciato ")]
    assert [command[1] for command in commands] == ["add", "search", "search", "duplicates", "judge", "ask"]
    said = {}
    for number, command in enumerate(commands):
        assert run(command[1:]) == 0, capsys.readouterr().err
        said[number] = capsys.readouterr()
    assert "added 3" in said[0].err
    assert "cat.txt" in said[1].out
    assert "astronaut.png" in said[2].out
    assert "copy.jpg" in said[3].out
    assert "allow" in said[4].out
    assert (home / "report.html").stat().st_size > 1000
    assert said[5].out


def test_the_policy_is_one_and_judges(home: Path):
    text = blocks("yaml", "A policy")
    Path("allotment.yaml").write_text(text)
    Path("post.txt").write_text("I will burn your shed down tonight.")
    assert run(["judge", "post.txt", "--policy", "allotment.yaml", "--json", "--quiet"]) == 0


def test_in_python_runs_as_written(home: Path, capsys):
    exec(compile(blocks("python", "In Python"), "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "A teapot on Mars" in said
    assert "allow (" in said


@pytest.mark.slow
def test_train_your_own_judge_runs_as_written(home: Path, capsys):
    (home / "posts").mkdir()
    (home / "inbox").mkdir()
    rows = []
    for number, post in enumerate(world.make("confounder", 40, seed=11, size=64)):
        name = f"{number:02}.png"
        post.picture().save(home / ("posts" if number < 36 else "inbox") / name)
        if number < 36:
            rows.append({"file": name, "label": post.label})
    with (home / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "label"])
        writer.writeheader()
        writer.writerows(rows)
    commands = [shlex.split(line) for line in blocks("sh", "Train your own judge").splitlines()]
    commands = [command for command in commands if command[0] == "alciato"]
    assert len(commands) == 3
    for command in commands:
        assert run(command[1:]) == 0, capsys.readouterr().err
    assert (home / "my-judge" / "model.safetensors").exists()
    assert capsys.readouterr().out.count(".png") >= 1


def test_every_command_of_the_readme_exists():
    """Each `alciato VERB` that the README names is a command."""
    from typer.main import get_command

    from alciato.cli.main import app

    named = set(
        re.findall(r"^alciato ([a-z]+)", "\n".join(re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)), re.M)
    )
    assert named
    assert named <= set(get_command(app).commands)
