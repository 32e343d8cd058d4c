"""Every file of a collection damaged in turn: correct work, or an error that names it; then a repair that tells."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alciato.errors import AlciatoError
from alciato.store import Collection
from alciato.store.health import Problem
from store.conftest import EncoderDouble, encoded, ocr, picture_post, text_post
from store.test_verdicts import verdict

A = EncoderDouble()


def build(folder: Path) -> Collection:
    """A small collection with every kind of table and index, several versions, and two fragments."""
    made = Collection.open(folder)
    made.add([text_post(n) for n in range(3)] + [picture_post(n) for n in range(3)])
    for item in ("q0", "q1"):
        reading, segments = ocr(item)
        made.save_readings([reading, encoded(item, A)], segments, [(A, A.encode(segments))])
    made.save_verdicts([verdict(item="p1"), verdict(item="q1")])
    made.maintain(force=True)
    made.add([text_post(7)])
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "c"
    build(folder)
    return folder


def damages(data: bytes) -> dict[str, bytes | None]:
    """The file gone, cut, empty, and with bytes turned in its middle and at its end."""
    middle, end = len(data) // 2, max(0, len(data) - 30)
    turned = bytes(byte ^ 0xFF for byte in data)
    return {
        "gone": None,
        "cut": data[:middle],
        "empty": b"",
        "middle": data[:middle] + turned[middle : middle + 24] + data[middle + 24 :],
        "end": data[:end] + turned[end:],
    }


def uses(collection: Collection) -> Iterator[Callable[[], Any]]:
    """What the verbs ask of the store."""
    yield collection.status
    yield lambda: list(collection.items())
    yield lambda: list(collection.items(["p1", "q1"]))
    yield lambda: list(collection.segments())
    yield lambda: list(collection.readings(["q1"]))
    yield lambda: collection.media_many([part.media for item in collection.items() for _, part in item.media()])
    yield collection.provenance
    yield lambda: list(collection.verdicts(history=True))
    yield lambda: collection.table("segments").search("hello", query_type="fts", fts_columns="words").to_list()
    yield lambda: collection.table("segments").search("ello", query_type="fts", fts_columns="grams").to_arrow()
    yield lambda: nearest(collection)
    yield lambda: collection.add([text_post(50)])
    yield lambda: collection.save_readings(
        [ocr("q2")[0], encoded("q2", A)], ocr("q2")[1], [(A, A.encode(ocr("q2")[1]))]
    )
    yield lambda: collection.save_verdicts([verdict(item="q2")])
    yield lambda: collection.maintain(force=True)


def nearest(collection: Collection) -> list[Any]:
    table = collection.embeddings("a")
    if table is None:
        return []
    return table.search(np.ones(4, np.float32), vector_column_name="vector").limit(3).to_list()


def survives(collection: Collection) -> list[AlciatoError]:
    """Use the collection in every way; anything but an `AlciatoError` ends the test."""
    told = []
    for use in uses(collection):
        try:
            use()
        except AlciatoError as error:
            told.append(error)
    return told


def damaged(whole: Path, folder: Path, file: Path, data: bytes | None) -> Path:
    shutil.copytree(whole, folder)
    if data is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(data)
    return folder


def one_of_each(whole: Path) -> list[Path]:
    """Of each table: one file of each kind that it is made of."""
    chosen: dict[tuple[str, ...], Path] = {}
    for path in sorted(whole.rglob("*")):
        if path.is_file():
            place = path.relative_to(whole)
            kind = place.name if "_indices" in place.parts else place.suffix
            chosen[(*place.parts[:2], kind)] = place  # the newest, in the order of names
    return list(chosen.values())


def one_damage(whole: Path, folder: Path, place: Path, data: bytes | None) -> None:
    """Damage, use, check, repair, and use again."""
    try:
        collection = Collection.open(damaged(whole, folder, place, data), create=False)
    except AlciatoError as error:
        assert str(folder) in str(error)  # noqa: PT017 - either this or a collection that opens
        return
    for error in survives(collection):
        assert str(folder) in str(error), error
        assert error.remedy
    collection = Collection.open(folder, create=False)
    collection.repair()
    collection = Collection.open(folder, create=False)
    left = [problem for problem in collection.check() if problem.part != "missing"]
    assert left == [], (place, left)
    assert survives(collection) == [], place
    shutil.rmtree(folder)


KINDS = ["cut", "empty", "middle", "end"]


@pytest.mark.slow
@pytest.mark.parametrize("missing", [True, False])
def test_each_file_missing_or_damaged_in_turn_is_told_or_survived_and_repaired(
    whole: Path, tmp_path: Path, missing: bool
):
    for number, place in enumerate(one_of_each(whole)):
        kind = "gone" if missing else KINDS[number % len(KINDS)]
        one_damage(whole, tmp_path / str(number), place, damages((whole / place).read_bytes())[kind])


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("segments.lance/_indices/*/part_0_tokens.lance", "cut"),
        ("items.lance/_versions/*.manifest", "middle"),
        ("readings.lance/data/*.lance", "gone"),
        ("embeddings-*.lance/data/*.lance", "cut"),
        ("media.lance/data/*.lance", "end"),
    ],
)
def test_files_of_each_kind(whole: Path, tmp_path: Path, pattern: str, kind: str):
    place = min(whole.glob(pattern)).relative_to(whole)  # the newest manifest has the lowest name
    one_damage(whole, tmp_path / "c", place, damages((whole / place).read_bytes())[kind])


def test_a_whole_collection_has_no_problems(whole: Path):
    collection = Collection.open(whole)
    assert collection.check() == []
    before = {name: collection.table(name).version for name in collection.table_names()}
    assert collection.repair() == []
    assert {name: collection.table(name).version for name in collection.table_names()} == before


def test_a_damaged_text_index_is_named_and_built_again_and_nothing_is_lost(whole: Path, tmp_path: Path):
    place = min(whole.glob("segments.lance/_indices/*/part_0_tokens.lance")).relative_to(whole)
    collection = Collection.open(damaged(whole, tmp_path / "c", place, None))

    def found(collection: Collection, column: str) -> set[str]:
        hits = collection.table("segments").search("hello", query_type="fts", fts_columns=column).limit(10).to_list()
        return {row["item"] for row in hits}

    def both(collection: Collection) -> set[str]:
        return found(collection, "words") & found(collection, "grams")

    with pytest.raises(AlciatoError, match=f"{place.name}.*Lost is nothing.*doctor --repair"):
        both(collection)
    assert [(one.table, one.part, one.lost) for one in collection.repair()] == [("segments", "index", "")]
    assert both(Collection.open(tmp_path / "c")) == {"p0", "p1", "p2", "p7"}


def test_lost_segments_are_built_again_from_readings_and_lost_embeddings_encoded_again(whole: Path, tmp_path: Path):
    shutil.copytree(whole, tmp_path / "c")
    shutil.rmtree(tmp_path / "c" / "segments.lance" / "data")
    collection = Collection.open(tmp_path / "c")
    with pytest.raises(AlciatoError, match="the table segments cannot be read"):
        list(collection.segments())
    collection.repair()
    kinds = {row["kind"] for row in collection.provenance().to_pylist()}
    assert kinds == {"ocr"}  # what was read stays; that segments and vectors are there is forgotten
    assert {one.id for one in collection.segments()} == {f"p{n}/0/body/0" for n in (0, 1, 2, 7)}
    assert next(iter(tmp_path.glob("c/damaged-*-segments"))).is_dir()


def test_rows_beside_the_damaged_ones_are_saved_and_the_loss_is_told(whole: Path, tmp_path: Path):
    first, second = sorted(whole.glob("items.lance/data/*.lance"), key=lambda path: path.stat().st_size)[:2]
    place = min((first, second), key=lambda path: path.stat().st_size).relative_to(whole)
    collection = Collection.open(damaged(whole, tmp_path / "c", place, b""))
    problems = collection.repair()
    assert any(one.table == "items" and "add their files again" in one.lost for one in problems)
    left = set(Collection.open(tmp_path / "c").ids())
    assert left
    assert left < {"p0", "p1", "p2", "p7", "q0", "q1", "q2"}


def test_a_missing_table_is_told_and_not_replaced_by_an_empty_one(whole: Path, tmp_path: Path):
    shutil.copytree(whole, tmp_path / "c")
    shutil.rmtree(tmp_path / "c" / "readings.lance")
    collection = Collection.open(tmp_path / "c")
    with pytest.raises(AlciatoError, match="the table readings cannot be read"):
        collection.provenance()
    assert Problem("readings", "table", *_place_and_words(collection, "readings")) in collection.check()
    collection.repair()
    assert collection.provenance().num_rows == 0
    assert collection.check() == []


def _place_and_words(collection: Collection, table: str) -> tuple[str, str, str]:
    found = next(one for one in collection.check() if one.table == table)
    return found.where, found.what, found.lost


def test_bytes_of_a_medium_that_changed_are_told(whole: Path, tmp_path: Path):
    shutil.copytree(whole, tmp_path / "c")
    collection = Collection.open(tmp_path / "c")
    sha = picture_post(1).item.parts[0].media
    collection.table("media").update(where=f"sha = '{sha}'", values={"data": b"something else"})
    assert [(one.part, one.where) for one in collection.check()] == [("media", sha)]
    collection.repair()
    assert [(one.part, one.where) for one in collection.check()] == [("missing", "q1")]
    collection.add([picture_post(1)])
    assert collection.check() == []


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (
            "lance error: LanceError(IO): Generic LocalFileSystem error: No space left on device (os error 28)",
            "disk is full",
        ),
        ("lance error: LanceError(IO): Permission denied (os error 13)", "Change the permissions"),
        ("lance error: LanceError(IO): Read-only file system (os error 30)", "Change the permissions"),
        ("lance error: LanceError(IO): Generic S3 error: connection refused", "object storage"),
        (
            (
                'Invalid input, IO { source: Generic { store: "S3", source: ListRequest { '
                'source: RetryError(RetryErrorImpl { inner: Status { status: 403, body: Some("") } }) } } }'
            ),
            r"cannot be used: the server answers with HTTP status 403\. Check",
        ),
    ],
)
def test_faults_of_storage_say_what_to_do(collection: Collection, reason: str, says: str, monkeypatch):
    inner = collection.table("items")._inner

    def fails(*rows: object) -> None:
        raise RuntimeError(reason)

    monkeypatch.setattr(inner, "add", fails)
    with pytest.raises(AlciatoError, match=says) as told:
        collection.add([text_post(1)])
    assert collection.uri in str(told.value)
    monkeypatch.undo()
    assert collection.add([text_post(1)]).added == 1


def test_other_errors_of_the_library_pass_unchanged(collection: Collection):
    with pytest.raises((ValueError, RuntimeError)) as told:
        collection.table("items").search().where("nonsense = 3").to_list()
    assert not isinstance(told.value, AlciatoError)


FULL = """
import resource, signal, sys
from alciato.errors import AlciatoError
from alciato.item import Image, Item, Post, media_hash
from alciato.store import Collection
made = Collection.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an error, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
data = bytes(range(256)) * 4096
part = Image(media=media_hash(data), mime="image/png", width=1, height=1)
try:
    made.add([Post(Item(id="big", parts=(part,)), {media_hash(data): data})])
except AlciatoError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_full_disk_ends_in_an_error_that_names_the_file_and_keeps_what_was_there(tmp_path: Path):
    Collection.open(tmp_path / "c").add([text_post(1)])
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "c")], capture_output=True, text=True, check=True, timeout=120
    )
    assert "the disk is full: the last batch was not written" in done.stdout
    assert str(tmp_path / "c" / "media.lance") in done.stdout
    assert "Traceback" not in done.stderr
    collection = Collection.open(tmp_path / "c")
    assert collection.ids() == ["p1"]
    assert collection.check() == []
    assert collection.add([picture_post(1)]).added == 1
