"""The collection keeps what it is given: once, whole, and findable at once."""

import multiprocessing
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Post, Reading, Segment, Table, Text
from alciato.store import Collection
from store.conftest import EncoderDouble, ocr, picture_post, text_post


def test_adding_again_adds_nothing_twice(collection: Collection):
    posts = [text_post(n) for n in range(5)] + [picture_post(n) for n in range(5)]
    assert collection.add(posts).added == 10
    again = collection.add(posts)
    assert (again.added, again.known) == (0, 10)
    assert [item.id for item in collection.items()] == [post.item.id for post in posts]
    assert collection.table("media").count_rows() == 5


def test_one_medium_of_two_posts_is_kept_once(collection: Collection):
    first, second = picture_post(1), picture_post(1)
    other = Post(second.item.model_copy(update={"id": "twin", "metadata": {}}), second.media)
    collection.add([first, other])
    assert collection.table("media").count_rows() == 1
    assert len(list(collection.items())) == 2


def test_a_taken_id_with_other_content_loses_neither_post(collection: Collection):
    collection.add([text_post(1)])
    added = [collection.add([text_post(1, "something else")]) for _ in range(2)]
    assert [(one.added, one.known) for one in added] == [(1, 0), (0, 1)]  # the new name is made from the content
    assert added[0].ids == added[1].ids != ["p1"]
    assert {item.parts[0].text for item in collection.items()} == {"hello number 1", "something else"}


def test_items_come_back_as_they_were(collection: Collection):
    table = Table(columns=("a", "b"), rows=((1, 1.0), (True, None)), name="t")
    item = Item(id="x'y", parts=(Text(text="a\nb"), table), metadata={"n": [1, {"z": None}], "created_at": "junk"})
    collection.add([Post(item)])
    assert collection.item("x'y") == item
    assert [found.id for found in collection.items(["no", "x'y"])] == ["x'y"]


def test_unknown_item_and_missing_collection_say_what_to_do(collection: Collection, tmp_path: Path):
    with pytest.raises(UsageError, match="no item has the id 'nope'"):
        collection.item("nope")
    with pytest.raises(AlciatoError, match="Add its file again"):
        collection.media("0" * 64)
    with pytest.raises(UsageError, match="alciato add"):
        Collection.open(tmp_path / "elsewhere", create=False)


def test_words_are_found_as_soon_as_they_are_added(collection: Collection):
    collection.add([text_post(1, "মঙ্গল গ্রহের মানুষ"), text_post(2, "unbelievable teapots")])
    segments = collection.table("segments")
    found = segments.search("মঙ্গল", query_type="fts", fts_columns="words").to_list()
    assert [row["item"] for row in found] == ["p1"]
    found = segments.search("lievab", query_type="fts", fts_columns="grams").to_list()
    assert [row["item"] for row in found] == ["p2"]


def test_a_reading_replaces_its_own_segments_and_no_others(collection: Collection):
    collection.add([picture_post(1), picture_post(2)])
    for item in ("q1", "q2"):
        reading, segments = ocr(item)
        speech = Segment(id=f"{item}/0/speech/0", item=item, part=0, kind="speech", text="words", start=0.0, end=1.0)
        collection.save_readings([reading], [*segments, speech])
    again, none = ocr("q1", None)
    collection.save_readings([again], none, replaced={"q1": ["ocr"]})
    assert sorted((u.item, u.kind) for u in collection.segments()) == [
        ("q1", "speech"),
        ("q2", "ocr"),
        ("q2", "speech"),
    ]
    assert [r.findings for r in collection.readings(["q1"], ["ocr"])] == [()]


def test_saving_the_same_readings_again_changes_nothing(collection: Collection):
    collection.add([picture_post(1)])
    reading, segments = ocr("q1")
    vectors = {segments[0].id: np.ones(4, dtype=np.float32)}
    for _ in range(2):
        collection.save_readings([reading], segments, [(EncoderDouble(), vectors)])
    assert list(collection.segments()) == segments
    assert collection.provenance().select(["item", "kind", "version"]).to_pylist() == [
        {"item": "q1", "kind": "ocr", "version": "1"}
    ]


def test_segments_carry_the_filters_of_their_item(collection: Collection):
    item = Item(id="a", parts=(Text(text="x"),), metadata={"created_at": "2024-01-02T03:04:05+01:00", "label": 3})
    collection.add([Post(item)])
    row = collection.table("segments").search().to_list()[0]
    assert row["created_at"] == datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert row["label"] == "3"


def test_upkeep_runs_within_the_work_and_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("alciato.store.maintain.WRITES", 8)
    monkeypatch.setattr("alciato.store.maintain.SHARE", 1e9)
    often = Collection.open(tmp_path / "often")
    for number in range(24):
        often.add([text_post(number)])
    assert often.status().fragments["items"] <= 8
    assert often.status().fragments["segments"] <= 8
    monkeypatch.setattr("alciato.store.maintain.SHARE", 1e-9)  # one compaction uses the share of the whole run up
    seldom = Collection.open(tmp_path / "seldom")
    for number in range(24):
        seldom.add([text_post(number)])
    assert seldom.status().fragments["items"] == 1 + 24 - 8
    assert list(seldom.items()) == list(often.items())


@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_files_follow_the_umask(tmp_path: Path, mask: int):
    before = os.umask(mask)
    try:
        made = Collection.open(tmp_path / "c")
        made.add([picture_post(1)])
        made.maintain(force=True)
    finally:
        os.umask(before)
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (tmp_path / "c").rglob("*")}
    assert modes == {(True, 0o777 & ~mask), (False, 0o666 & ~mask)}


def test_upkeep_merges_fragments_and_loses_nothing(collection: Collection):
    for number in range(30):
        collection.add([text_post(number)])
    assert collection.status().fragments["segments"] == 30
    collection.maintain()
    status = collection.status()
    assert status.fragments["segments"] == 1
    assert (status.items, status.segments) == (30, 30)
    assert all(index.unindexed == 0 for index in status.indexes)
    assert [item.id for item in collection.items()] == [f"p{n}" for n in range(30)]


def _write(folder: Path, numbers: range, start: object) -> None:
    collection = Collection.open(folder)
    start.wait()
    for number in numbers:
        collection.add([text_post(number)])
        segment = Segment(id=f"p{number}/0/body/0", item=f"p{number}", part=0, kind="body", text="read")
        reading = Reading(item=f"p{number}", part=0, kind="encode", model="m", version="1")
        collection.save_readings([reading], [segment])


@pytest.mark.slow
def test_two_writers_lose_nothing_and_double_nothing(tmp_path: Path):
    Collection.open(tmp_path)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    both = [context.Process(target=_write, args=(tmp_path, numbers, start)) for numbers in (range(20), range(10, 30))]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    collection = Collection.open(tmp_path)
    assert sorted(item.id for item in collection.items()) == sorted(f"p{n}" for n in range(30))
    assert sorted(segment.id for segment in collection.segments()) == sorted(f"p{n}/0/body/0" for n in range(30))
    assert collection.table("readings").count_rows() == 30


def test_a_reader_sees_what_another_process_wrote(tmp_path: Path):
    reader, writer = Collection.open(tmp_path), Collection.open(tmp_path)
    assert list(reader.items()) == []
    writer.add([text_post(1)])
    assert [item.id for item in reader.items()] == ["p1"]


def test_a_collection_whose_making_was_killed_before_the_text_indexes_is_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr("alciato.store.collection.ensure_text_indexes", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Collection.open(tmp_path)
    collection = Collection.open(tmp_path)
    collection.add([text_post(1)])
    assert collection.table("segments").search("hello", query_type="fts", fts_columns="words").to_list()
