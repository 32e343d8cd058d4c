"""Features of a collection: each medium is decoded once for its words, and an added picture decodes no other."""

import io
from datetime import UTC, datetime

import numpy as np
import pytest

import near_copy_set as made
from alciato.duplicates import duplicates
from alciato.duplicates import features as module
from alciato.duplicates.features import (
    TABLE,
    PicturePlaces,
    extract_features,
    image_features,
    numbered_features,
    save_features,
    stored_pictures,
    version_of,
)
from alciato.duplicates.near_copy_index import KEYS
from alciato.item import Box, Finding, Item, Post, Reading, Text
from alciato.media.part import media_part
from alciato.models import Runtime
from alciato.settings import load_settings
from alciato.store import Collection

NAMES = ("chelsea.png", "coffee.png", "moon.png")
LINES = (Finding(text="first coffee", box=Box(10, 10, 200, 60)),)


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime(load_settings(models={"ocr": None}))


def file_of(picture) -> bytes:
    kept = io.BytesIO()
    picture.resize((240, 160)).save(kept, "PNG")
    return kept.getvalue()


FILES = {name: file_of(made.photograph(name)) for name in NAMES}


def post(name: str, *files: bytes | str, created_at: str | None = None) -> Post:
    """A post of media, as bytes, and texts, in order."""
    parts = [Text(text=file) if isinstance(file, str) else media_part(file, "picture.png") for file in files]
    media = {part.media: file for part, file in zip(parts, files, strict=True) if isinstance(file, bytes)}
    metadata = {"source": f"/posts/{name}"} | ({"created_at": created_at} if created_at else {})
    return Post(Item(id=name, parts=tuple(parts), metadata=metadata), media)


def read_words(collection: Collection, item: str, lines=LINES, minute: int = 0, part: int = 0) -> None:
    """Save what OCR would read on a picture."""
    time = datetime(2025, 1, 1, 12, minute, tzinfo=UTC)
    reading = Reading(item=item, part=part, kind="ocr", model="m", version="v", findings=tuple(lines), read_at=time)
    collection.save_readings([reading])


@pytest.fixture
def collection(tmp_path) -> Collection:
    made_ = Collection.open(tmp_path / "c")
    made_.add([post(name, FILES[name]) for name in NAMES])
    return made_


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes of the media that are decoded from now on."""
    found: list[str] = []
    extracted = module.extracted
    monkeypatch.setattr(
        module, "extracted", lambda data, part, *rest: found.append(part.media) or extracted(data, part, *rest)
    )
    return found


def test_places_are_those_that_the_items_tell(tmp_path):
    collection = Collection.open(tmp_path)
    one, two, three = FILES.values()
    collection.add(
        [
            post("words", "only words"),
            post("both", "before", one, "between", two, created_at="2024-03-01T10:00:00+02:00"),
            post("again", two, "after"),
            post("last", three),
        ]
    )
    places = PicturePlaces(collection)
    told = {places.names[code].as_py(): places.of(code) for code in range(len(places.names))}
    expected: dict[str, list[tuple[str, int]]] = {}
    for item in collection.items():
        for number, part in item.media():
            expected.setdefault(part.media, []).append((item.id, number))
    assert {medium: [(place.item, place.part) for place in here] for medium, here in told.items()} == expected
    assert list(told) == list(expected), "in the order of adding"
    assert [places.names[code].as_py() for code in places.repeated()] == [post("x", two).item.parts[0].media]
    dated = next(place for here in told.values() for place in here if place.item == "both")
    assert (dated.created_at, dated.source) == ("2024-03-01T08:00:00+00:00", "/posts/both")


def test_a_collection_without_pictures(tmp_path, runtime):
    collection = Collection.open(tmp_path)
    assert len(stored_pictures(collection, runtime.settings.limits)) == 0
    collection.add([post("words", "only words")])
    assert len(stored_pictures(collection, runtime.settings.limits)) == 0
    assert duplicates(collection, runtime=runtime) == []


def test_an_added_picture_decodes_itself_alone(collection, runtime, decoded):
    duplicates(collection, runtime=runtime)
    assert len(decoded) == len(NAMES)
    decoded.clear()
    new = file_of(made.photograph("coins.png"))
    collection.add([post("new", new), post("again", FILES["moon.png"])])
    (cluster,) = duplicates(collection, runtime=runtime)
    assert {member.item for member in cluster.members} == {"moon.png", "again"}
    assert decoded == [post("new", new).item.parts[0].media]
    decoded.clear()
    assert duplicates(collection, runtime=runtime) == [cluster]
    assert decoded == []


def test_words_that_are_read_later_are_taken_in_and_only_there(collection, runtime, decoded):
    before = stored_pictures(collection, runtime.settings.limits)
    decoded.clear()
    read_words(collection, "coffee.png")
    after = stored_pictures(collection, runtime.settings.limits)
    assert decoded == [after.medium(1)]
    assert (after.versions != before.versions).tolist() == [False, True, False]
    found = numbered_features(collection, [int(after.numbers[1])])[int(after.numbers[1])]
    assert found.text == "first coffee"
    assert found.thumbnail.words.any()


def test_the_same_words_read_again_decode_nothing(collection, runtime, decoded):
    read_words(collection, "coffee.png")
    before = stored_pictures(collection, runtime.settings.limits)
    decoded.clear()
    read_words(collection, "coffee.png", minute=5)
    again = stored_pictures(collection, runtime.settings.limits)
    assert decoded == []
    np.testing.assert_array_equal(again.versions, before.versions)
    np.testing.assert_array_equal(again.numbers, before.numbers)
    assert collection.table(TABLE).count_rows() == len(NAMES)


def test_of_two_readings_of_one_medium_that_of_the_lesser_id_counts(collection, runtime):
    collection.add([post("a first", FILES["coffee.png"])])
    read_words(collection, "coffee.png", [Finding(text="of the other", box=Box(0, 0, 9, 9))], minute=7)
    read_words(collection, "a first", LINES, minute=3)
    seen = stored_pictures(collection, runtime.settings.limits)
    assert seen.versions[1] == version_of(LINES)


def test_a_medium_that_cannot_be_decoded_is_tried_once(collection, runtime, decoded):
    broken = FILES["coffee.png"][:200]
    whole = post("whole", FILES["coffee.png"]).item.parts[0]
    part = whole.model_copy(update={"media": module.hashlib.sha256(broken).hexdigest()})
    collection.add([Post(Item(id="broken", parts=(part,)), {part.media: broken})])
    assert len(stored_pictures(collection, runtime.settings.limits)) == len(NAMES)
    assert part.media in decoded
    decoded.clear()
    assert len(stored_pictures(collection, runtime.settings.limits)) == len(NAMES)
    assert decoded == []


def test_removed_pictures_are_forgotten_and_copies_found_without_them(collection, runtime):
    copy = file_of(made.resized(made.plain(made.photograph("moon.png")), 0.7).picture)
    collection.add([post("copy", copy)])
    (cluster,) = duplicates(collection, runtime=runtime)
    assert {member.item for member in cluster.members} == {"moon.png", "copy"}
    collection.remove(["moon.png"])
    assert duplicates(collection, runtime=runtime) == []
    assert collection.check() == []
    numbers = {row["picture"] for row in collection.stream(KEYS, ["picture"])}
    assert numbers == set(stored_pictures(collection, runtime.settings.limits).numbers.tolist())
    collection.add([post("moon.png", FILES["moon.png"])])
    (again,) = duplicates(collection, runtime=runtime)
    assert {member.item for member in again.members} == {"moon.png", "copy"}


@pytest.mark.parametrize("name", [TABLE, KEYS, "near_copy_pictures", "near_copies"])
def test_a_damaged_table_is_repaired_and_the_clusters_are_the_same(tmp_path, collection, runtime, name):
    collection.add([post("again", file_of(made.resized(made.plain(made.photograph("moon.png")), 0.7).picture))])
    before = duplicates(collection, runtime=runtime)
    assert before
    for data in (tmp_path / "c" / f"{name}.lance" / "data").glob("*.lance"):
        data.write_bytes(data.read_bytes()[:50])
    damaged = Collection.open(tmp_path / "c")
    assert {problem.table for problem in damaged.repair()} == {name}
    assert duplicates(damaged, runtime=runtime) == before
    assert damaged.check() == []


def test_a_table_of_an_older_revision_is_made_again(collection, runtime, monkeypatch, decoded):
    duplicates(collection, runtime=runtime)
    decoded.clear()
    monkeypatch.setattr(module, "REVISION", module.REVISION + 1)
    assert len(stored_pictures(collection, runtime.settings.limits)) == len(NAMES)
    assert len(decoded) == len(NAMES)
    collection.drop_table(TABLE)
    collection.save_derived(TABLE, module.pa.table({"id": ["x"], "medium": ["y"]}))
    assert len(stored_pictures(collection, runtime.settings.limits)) == len(NAMES)


def test_features_of_some_items_come_from_the_store_and_nothing_is_written(collection, runtime, decoded):
    limits = runtime.settings.limits
    first = {each.medium: each for each in image_features(collection, collection.items(), limits)}
    assert len(decoded) == len(first) == len(NAMES)
    assert collection.derived(TABLE) is None
    stored_pictures(collection, limits)
    decoded.clear()
    only = frozenset({("coffee.png", 0)})
    (one,) = image_features(collection, collection.items(), limits, only)
    assert decoded == []
    assert [place.item for place in one.places] == ["coffee.png"]
    np.testing.assert_array_equal(one.bits, first[one.medium].bits)


def test_numbers_name_the_medium_and_the_frame():
    still = extract_features(made.photograph("moon.png").resize((64, 48)), medium="m")
    frames = [module.replace(still, start=start) for start in (0.0, 1.5)]
    numbers = {still.number, *(frame.number for frame in frames), module.replace(still, medium="n").number}
    assert len(numbers) == 4
    assert all(0 <= number < 2**52 for number in numbers)
    assert module.replace(still, text="other words").number == still.number


def test_what_is_saved_replaces_all_frames_of_the_medium(tmp_path):
    collection = Collection.open(tmp_path)
    still = extract_features(made.photograph("moon.png").resize((64, 48)), medium="m")
    frames = [module.replace(still, start=float(second)) for second in range(3)]
    save_features(collection, {"m": frames, "n": [module.replace(still, medium="n")]}, {"m": 1, "n": 1})
    save_features(collection, {"m": frames[:1]}, {"m": 2})
    rows = [(row["medium"], row["start"], row["version"]) for row in collection.stream(TABLE)]
    assert sorted(rows, key=str) == [("m", 0.0, 2), ("n", None, 1)]


def test_words_make_the_version():
    assert version_of([]) != version_of(LINES)
    moved = [Finding(text="first coffee", box=Box(11, 10, 200, 60))]
    assert len({version_of(LINES), version_of(moved), version_of([Finding(text="first tea", box=LINES[0].box)])}) == 3
    assert version_of(list(LINES)) == version_of(LINES)
