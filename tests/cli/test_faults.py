"""Faults: bad files among good ones, and a process that is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import faults
from alciato.store import Collection
from pictures import picture

pytestmark = pytest.mark.slow


def test_a_hundred_good_files_are_read_and_twenty_bad_ones_reported(alciato, tmp_path: Path):
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


def test_killed_five_times_it_ends_as_if_undisturbed(alciato, tmp_path: Path):
    folder = tmp_path / "posts"
    folder.mkdir()
    for number in range(60):
        picture(folder / f"{number:02}.png", f"POST NUMBER\n{number * 37}", colour=f"#{number * 3:02x}4060")
    command = [sys.executable, "-m", "alciato", "add", str(folder), "--quiet", "--set", "batch=4"]
    started = time.monotonic()
    assert alciato(*command[3:], "--collection", tmp_path / "whole").returncode == 0
    whole = time.monotonic() - started
    chance = random.Random(5)
    environment = {**os.environ, "ALCIATO_CACHE": str(tmp_path / "cache")}
    for _ in range(5):
        process = subprocess.Popen(
            [*command, "--collection", str(tmp_path / "killed")], env=environment, start_new_session=True
        )
        time.sleep(chance.uniform(0.3, 1.0) * whole)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert alciato(*command[3:], "--collection", tmp_path / "killed").returncode == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_stopped_by_hand_it_says_that_it_goes_on(tmp_path: Path):
    folder = tmp_path / "posts"
    folder.mkdir()
    for number in range(40):
        picture(folder / f"{number:02}.png", f"POST {number * 37}")
    command = [sys.executable, "-m", "alciato", "add", str(folder), "--collection", str(tmp_path / "c"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    results, said = process.communicate(timeout=60)
    if process.returncode != 0:  # a fast machine may have been done
        assert process.returncode == 3
        assert "goes on from there" in said
        assert "Traceback" not in said
        assert not results  # what Daft's engine prints when it is stopped is no result


@pytest.mark.parametrize(
    "arguments",
    [
        ["learn", "judge", "posts", "--strategy", "modular", "--out", "made"],
        ["experiments", "run", "multimodn", "--seeds", "2"],
    ],
)
def test_a_package_that_is_not_installed_is_named_with_what_brings_it(tmp_path: Path, arguments):
    script = (
        f"import sys; sys.modules['torch'] = None; sys.argv = ['alciato', *{arguments!r}]\n"
        "from alciato.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert done.stderr.strip().endswith("pip install 'alciato[train]'")
    assert "Traceback" not in done.stderr
