"""The folder that `alciato world make` writes: read as it is by `alciato add`, resumed, with its truth."""

import json
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from alciato import world
from alciato.cli.main import app
from alciato.errors import UsageError
from alciato.sources import Skipped, scan
from alciato.world import folder as folders

KINDS = [kind.name for kind in map(world.KINDS.get, world.KINDS)]
QUICK = {"clip": {"speech": False, "seconds": 1.0}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_read_as_it_is_with_nothing_skipped(kind, tmp_path):
    posts = world.make(kind, 7, seed=2, split="train", **QUICK.get(kind, {}))
    world.write(posts, tmp_path / "out")
    found = list(scan([tmp_path / "out"]))
    assert not [one for one in found if isinstance(one, Skipped)]
    by_id = {post.item.id: post for post in found}
    assert len(found) == len(by_id) == 7  # though two tables hold the same posts
    for post in posts:
        assert by_id[post.id].item.parts == post.item.parts
        assert by_id[post.id].item.links == post.item.links
        assert dict(by_id[post.id].media) == post.media
        assert by_id[post.id].item.metadata.get("label") == post.label
    assert world.read_truth(tmp_path / "out") == {post.id: post.truth for post in posts}


def test_both_tables_hold_the_same_posts(tmp_path):
    world.write(world.make("claim", 9, seed=2), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "posts.jsonl").read_text().splitlines()]
    table = pq.read_table(tmp_path / "posts.parquet").to_pylist()
    assert [row["id"] for row in rows] == [row["id"] for row in table]
    assert [row["truth"] for row in rows] == [json.loads(row["truth"]) for row in table]


def test_a_stopped_run_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    posts = world.make("scene", 200, seed=2, size=48)
    drawn = []
    piece = folders._piece

    def stopping(posts, place, numbers):
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(numbers)
        return piece(posts, place, numbers)

    monkeypatch.setattr(folders, "_piece", stopping)
    with pytest.raises(KeyboardInterrupt):
        world.write(posts, tmp_path / "a")
    monkeypatch.setattr(folders, "_piece", lambda *given: drawn.append(given[2]) or piece(*given))
    world.write(posts, tmp_path / "a")
    assert len(drawn) == len(set(drawn)) == 4
    world.write(posts, tmp_path / "b")
    assert (tmp_path / "a/posts.jsonl").read_bytes() == (tmp_path / "b/posts.jsonl").read_bytes()
    names = [sorted(path.name for path in (tmp_path / one / "media").iterdir()) for one in "ab"]
    assert names[0] == names[1]


def test_another_wish_does_not_touch_the_folder(tmp_path):
    world.write(world.make("scene", 3, seed=2), tmp_path / "a")
    with pytest.raises(UsageError, match="holds other posts"):
        world.write(world.make("scene", 3, seed=3), tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        world.write(world.make("scene", 3, seed=2), tmp_path / "b")


def test_the_command_makes_and_shows(tmp_path):
    run = CliRunner().invoke
    out = str(tmp_path / "o")
    done = run(app, ["world", "make", "claim", "-n", "3", "--out", out, "--option", "archive=false", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["posts"] == 3
    shown = run(app, ["world", "show", "claim", "-n", "2", "--out", str(tmp_path / "c.png"), "--json"])
    assert shown.exit_code == 0
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(run(app, ["world", "kinds", "--json"]).stdout)
    assert {kind["kind"] for kind in told} >= {"scene", "macro", "clip"}


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path):
    command = [sys.executable, "-m", "alciato", "world", "make", "scene", "-n", "600", "--size", "64", "--out"]
    killed = subprocess.Popen([*command, str(tmp_path / "a")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "a").glob(".pieces/*2.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "a" / "posts.jsonl").exists()
    for folder in "ab":
        subprocess.run([*command, str(tmp_path / folder)], check=True, capture_output=True)
    assert (tmp_path / "a/posts.jsonl").read_bytes() == (tmp_path / "b/posts.jsonl").read_bytes()
    media = [{path.name: path.read_bytes() for path in (tmp_path / one / "media").iterdir()} for one in "ab"]
    assert media[0] == media[1]
