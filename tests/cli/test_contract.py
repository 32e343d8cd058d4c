"""The contract of the command line: flags, streams, exit status, and the fields of the JSON."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_main_job_by_command_line(alciato, posts: Path, tmp_path: Path):
    added = alciato("add", posts, "--json")
    assert added.returncode == 0, added.stderr
    document = json.loads(added.stdout)
    assert (document["added"], document["known"], document["skipped"]) == (5, 0, [])
    assert document["read"]["items"] == 5

    again = json.loads(alciato("add", posts, "--json").stdout)
    assert (again["added"], again["known"], again["read"]["items"]) == (0, 5, 0)

    hits = json.loads(alciato("search", "teapot on a table", "--json", "-k", "3").stdout)
    assert {"item", "score", "span", "source"} <= set(hits[0])
    assert {"part", "kind", "text"} <= set(hits[0]["span"])
    assert Path(hits[0]["source"]).name in {"teapot.jpg", "posts.jsonl"}
    assert "m3" in {hit["item"] for hit in hits}  # the Spanish one
    on_picture = next(hit for hit in hits if hit["source"].endswith("teapot.jpg"))
    assert len(on_picture["span"]["box"]) == 4

    verdicts = [json.loads(line) for line in alciato("judge", "--json").stdout.splitlines()]
    assert len(verdicts) == 5
    fields = {"item", "source", "decision", "scores", "reasons", "target", "evidence", "policy", "model"}
    assert all(fields <= set(verdict) for verdict in verdicts)
    decisions = {verdict["item"]: verdict["decision"] for verdict in verdicts}
    assert decisions["m1"] != "allow"
    assert decisions["m2"] == "allow"

    reply = json.loads(alciato("ask", "What has risen overnight?", "--json").stdout)
    assert reply["found"]
    assert {citation["item"] for citation in reply["citations"]} >= {"m2"}

    status = json.loads(alciato("status", "--json").stdout)
    assert (status["items"], status["unread"]) == (5, 0)


def test_tables_go_to_standard_output_and_remarks_to_standard_error(alciato, posts: Path):
    added = alciato("add", posts)
    assert added.stdout == ""
    assert "added 5" in added.stderr
    found = alciato("search", "bread")
    assert "sourdough" in found.stdout
    quiet = alciato("add", posts, "--quiet", "--json")
    assert quiet.stderr == ""


def test_a_skipped_file_gives_status_1_and_its_reason(alciato, posts: Path):
    (posts / "broken.png").write_bytes((posts / "monday.png").read_bytes()[:200])
    done = alciato("add", posts, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["added"] == 5
    assert [(Path(s["path"]).name, s["reason"]) for s in document["skipped"]] == [("broken.png", "truncated")]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("search",), 2, "Give words"),
        (("serch", "x"), 2, "serch"),
        (("search", "x"), 2, "no collection here"),
        (("add", "nowhere"), 2, "nowhere"),
        (("add", ".", "--map", "text"), 2, "FIELD=COLUMN"),
        (("add", ".", "--set", "batch=0"), 2, "batch"),
        (("judge", ".", "--policy", "generall"), 2, "general"),
        (("judge", ".", "--strategy", "prototpye"), 2, "prototype"),
        (("models", "install"), 2, "install NAME"),
    ],
)
def test_errors_are_for_people(alciato, arguments: tuple[str, ...], status: int, message: str):
    done = alciato(*arguments)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_model_that_is_not_there_is_status_3(alciato, posts: Path):
    done = alciato("judge", posts, "--strategy", "prompt", "--model", "gguf:/nowhere/model.gguf")
    assert done.returncode == 3
    assert "/nowhere/model.gguf" in done.stderr


def test_a_wrong_filter_names_the_columns(alciato, posts: Path):
    alciato("add", posts, "--no-read")
    assert json.loads(alciato("search", "bread", "--where", "author = 'pim'", "--json").stdout)
    done = alciato("search", "bread", "--where", "writer = 'pim'")
    assert done.returncode == 2
    assert "author" in done.stderr


def test_one_file_is_judged(alciato, posts: Path):
    done = alciato("judge", posts / "monday.png", "--json")
    assert [json.loads(line)["decision"] for line in done.stdout.splitlines()] == ["allow"]
