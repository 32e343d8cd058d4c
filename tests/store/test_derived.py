"""Tables made of the media: removal, check and repair know them."""

from pathlib import Path

import pyarrow as pa
import pytest

from alciato.store import Collection
from alciato.store.tables import BY_MEDIUM, DERIVED
from store.conftest import picture_post

ROWS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("medium", pa.string(), nullable=False)])


def filled(folder: Path, name: str) -> tuple[Collection, list[str]]:
    """Two posts with a picture each, and a row of a derived table for each."""
    made = Collection.open(folder)
    posts = [picture_post(n) for n in range(2)]
    made.add(posts)
    shas = [next(iter(post.media)) for post in posts]
    made.save_derived(name, pa.Table.from_pylist([{"id": sha, "medium": sha} for sha in shas], ROWS))
    return made, shas


def media_of(collection: Collection, name: str) -> set[str]:
    return {row["medium"] for row in collection.stream(name)}


@pytest.mark.parametrize("name", BY_MEDIUM)
def test_removal_drops_what_was_made_of_the_medium(tmp_path: Path, name: str):
    made, shas = filled(tmp_path / "c", name)
    made.remove(["q0"])
    assert media_of(made, name) == {shas[1]}
    assert made.check() == []


@pytest.mark.parametrize("name", BY_MEDIUM)
def test_rows_of_lost_media_are_found_and_dropped(tmp_path: Path, name: str):
    made, shas = filled(tmp_path / "c", name)
    made.save_derived(name, pa.Table.from_pylist([{"id": "gone", "medium": "0" * 64}], ROWS))
    (problem,) = made.check()
    assert (problem.table, problem.part, problem.where) == (name, "links", "0" * 64)
    made.repair()
    assert media_of(made, name) == set(shas)
    assert made.check() == []


@pytest.mark.parametrize("name", DERIVED)
def test_a_damaged_derived_table_is_set_aside_and_made_again(tmp_path: Path, name: str):
    made, shas = filled(tmp_path / "c", name)
    (data,) = (tmp_path / "c" / f"{name}.lance" / "data").glob("*.lance")
    data.write_bytes(data.read_bytes()[:50])
    made = Collection.open(tmp_path / "c")
    assert [(problem.table, problem.part) for problem in made.check()] == [(name, "table")]
    made.repair()
    assert made.derived(name) is None
    assert made.check() == []
    made.save_derived(name, pa.Table.from_pylist([{"id": shas[0], "medium": shas[0]}], ROWS))
    assert media_of(made, name) == {shas[0]}


def test_rows_are_appended_in_place_of_those_that_are_named(tmp_path: Path):
    made, shas = filled(tmp_path / "c", "features")
    other = pa.Table.from_pylist([{"id": "other", "medium": shas[0]}], ROWS)
    made.save_derived("features", other, f"medium = '{shas[0]}'")
    assert {(row["id"], row["medium"]) for row in made.stream("features")} == {("other", shas[0]), (shas[1], shas[1])}
    made.delete_derived("features", "id = 'other'")
    assert media_of(made, "features") == {shas[1]}


def test_upkeep_indexes_and_compacts_derived_tables(tmp_path: Path):
    made, _ = filled(tmp_path / "c", "near_copy_keys")
    rows = pa.table({"key": [1, 2], "picture": [3, 4]})
    made.drop_table("near_copy_keys")
    for _ in range(20):
        made.save_derived("near_copy_keys", rows)
    made.maintain()
    table = made.derived("near_copy_keys")
    assert table is not None
    assert [index.columns for index in table.list_indices()] == [["key"]]
    assert table.stats()["fragment_stats"]["num_fragments"] == 1
    assert table.count_rows() == 40


def test_upkeep_of_derived_tables_runs_within_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("alciato.store.maintain.WRITES", 4)
    monkeypatch.setattr("alciato.store.maintain.SHARE", 1e9)
    made, _ = filled(tmp_path / "c", "near_copy_keys")
    made.drop_table("near_copy_keys")
    for number in range(12):
        made.save_derived("near_copy_keys", pa.table({"key": [number], "picture": [number]}))
    table = made.derived("near_copy_keys")
    assert table is not None
    assert table.stats()["fragment_stats"]["num_fragments"] <= 4
    assert table.count_rows() == 12
