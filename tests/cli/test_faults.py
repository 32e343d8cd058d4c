"""Faults: bad files among good ones, and a process that is killed."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

import faults
from alciato.models.runtime import SCHEMES
from alciato.store import Collection
from pictures import picture
from read.doubles import Named

pytestmark = pytest.mark.slow


def test_a_hundred_good_files_are_read_and_twenty_bad_ones_reported(alciato, doubles, tmp_path: Path):
    made = faults.build(tmp_path / "posts")
    done = alciato("add", tmp_path / "posts", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["read"]["failed"] == []
    assert document["added"] == document["read"]["items"] == len(made.good) == 100
    found = {Path(skipped["path"]).name: skipped["reason"] for skipped in document["skipped"]}
    assert found == made.bad
    assert len(made.bad) == 20
    assert all(skipped["message"] for skipped in document["skipped"])


def contents(folder: Path) -> dict[str, list[Any]]:
    """Everything a collection holds, but for the times of writing."""
    collection = Collection.open(folder, create=False)
    tables = [collection.table(encoder.table) for encoder in collection.encoders()]
    vectors = [row for table in tables for row in table.search().select(["id", "vector"]).limit(None).to_list()]
    readings = [reading.model_copy(update={"read_at": None}) for reading in collection.readings()]
    return {
        "items": sorted(collection.items(), key=lambda item: item.id),
        "media": sorted(row["sha"] for row in collection.table("media").search().select(["sha"]).to_list()),
        "readings": sorted(readings, key=lambda r: (r.item, r.part, r.kind)),
        "segments": sorted(collection.segments(), key=lambda segment: segment.id),
        "vectors": sorted((row["id"], row["vector"]) for row in vectors),
    }


WRITES = ("_append", "upsert", "upsert_rows", "delete")
"""Everything that changes a table of a collection passes one of these."""
ENDED_AT_A_WRITE = f"""
import os, signal, sys
import alciato.read.pipeline as pipeline
from alciato.models.runtime import SCHEMES
from alciato.store import Collection

SCHEMES.register("double", "read.doubles:load_double")
pipeline.SAVE_ITEMS = 2  # small saves, so that there are many
sign, left = int(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in what it starts in the background

def counted(write):
    def call(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), sign)
        return write(*arguments, **named)
    return call

for name in {WRITES!r}:
    setattr(Collection, name, counted(getattr(Collection, name)))
from alciato.cli.main import main
sys.argv = ["alciato", *sys.argv[3:]]
main()
"""


@pytest.fixture
def cheap(monkeypatch) -> None:
    """Doubles of the models that a process can make for itself."""
    models = {"encoder": "double:letters", "ocr": "double:ocr", "transcriber": None}
    monkeypatch.setenv("ALCIATO_MODELS", json.dumps(models))
    monkeypatch.setenv("ALCIATO_WORKERS", "1")
    monkeypatch.setitem(SCHEMES.registered_members, "double", "read.doubles:load_double")
    monkeypatch.setattr(Named, "models", {})


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """Four pictures and four texts."""
    folder = tmp_path / "posts"
    folder.mkdir()
    for number in range(4):
        picture(folder / f"{number}.png", f"POST {number * 37}", size=(200 + number, 90))
        (folder / f"{number}.txt").write_text(f"the text of number {number}")
    return folder


def test_killed_at_three_writes_it_ends_as_if_undisturbed(alciato, process, cheap, numbered: Path, tmp_path: Path):
    """Each run is killed at a later one of its writes: of media, posts, words, vectors, readings."""
    command = ["add", numbered, "--quiet", "--set", "batch=2"]
    assert alciato(*command, "--collection", tmp_path / "whole").returncode == 0
    sizes = []
    for write in (3, 5, 9):
        killed = process(
            "-c", ENDED_AT_A_WRITE, int(signal.SIGKILL), write, *command, "--collection", tmp_path / "killed"
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        sizes.append(sum(map(len, contents(tmp_path / "killed").values())))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert alciato(*command, "--collection", tmp_path / "killed").returncode == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_stopped_by_hand_it_says_that_it_goes_on(process, cheap, numbered: Path):
    stopped = process("-c", ENDED_AT_A_WRITE, int(signal.SIGINT), 6, "add", numbered, "--json")
    assert stopped.returncode == 3
    assert "goes on from there" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not stopped.stdout  # what Daft's engine prints when it is stopped is no result


@pytest.mark.parametrize(
    "arguments",
    [
        ["learn", "judge", "posts", "--strategy", "modular", "--out", "made"],
        ["experiments", "run", "multimodn", "--seeds", "2"],
    ],
)
def test_a_package_that_is_not_installed_is_named_with_what_brings_it(process, arguments):
    script = (
        f"import sys; sys.modules['torch'] = None; sys.argv = ['alciato', *{arguments!r}]\n"
        "from alciato.cli.main import main; main()"
    )
    done = process("-c", script)
    assert done.returncode == 3, done.stderr
    assert done.stderr.strip().endswith("pip install 'alciato[train]'")
    assert "Traceback" not in done.stderr
