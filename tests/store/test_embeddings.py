"""Embeddings are kept per encoder: naming another one drops nothing, and switching back re-encodes nothing."""

import numpy as np
import pytest

from alciato.errors import AlciatoError
from alciato.item import Segment
from alciato.store import Collection
from alciato.store.embeddings import canonical_name
from store.conftest import EncoderDouble, embeddings_of, encoded, ocr, picture_post, text_post

A, B = EncoderDouble(), EncoderDouble("double:b", "b", 6)


def save(collection: Collection, item: str, encoder: EncoderDouble, text: str | None = "LOOK AT ME") -> None:
    """Read the words of an item, encode them, and save it all."""
    reading, segments = ocr(item, text)
    collection.save_readings(
        [reading, encoded(item, encoder)], segments, [(encoder, encoder.encode(segments))], replaced={item: ["ocr"]}
    )


def encoding(collection: Collection) -> set[tuple[str, str]]:
    """Items and the fingerprints of the encoders that have encoded them, as planning sees it."""
    rows = collection.provenance().to_pylist()
    return {(row["item"], row["version"]) for row in rows if row["kind"] == "encode"}


def test_another_encoder_leaves_the_vectors_of_the_first(collection: Collection):
    collection.add([picture_post(1), picture_post(2)])
    save(collection, "q1", A)
    save(collection, "q2", B)
    assert embeddings_of(collection) == {
        "a": {"q1/0/ocr/0": A.encode(ocr("q1")[1])["q1/0/ocr/0"].tolist()},
        "b": {"q2/0/ocr/0": B.encode(ocr("q2")[1])["q2/0/ocr/0"].tolist()},
    }
    assert encoding(collection) == {("q1", "a"), ("q2", "b")}


def test_reading_the_same_again_under_another_encoder_keeps_both(collection: Collection):
    collection.add([picture_post(1)])
    for encoder in (A, B, A):
        save(collection, "q1", encoder)
    assert {key: list(rows) for key, rows in embeddings_of(collection).items()} == {
        "a": ["q1/0/ocr/0"],
        "b": ["q1/0/ocr/0"],
    }
    assert encoding(collection) == {("q1", "a"), ("q1", "b")}


def test_an_encoder_added_to_stored_segments_touches_no_other_table(collection: Collection):
    collection.add([picture_post(1), text_post(2)])
    save(collection, "q1", A)
    versions = {name: collection.table(name).version for name in ("items", "media", "segments")}
    before = embeddings_of(collection)["a"]
    stored = list(collection.segments())
    collection.save_readings([encoded("q1", B), encoded("p2", B)], stored, [(B, B.encode(stored))], replaced={})
    assert {name: collection.table(name).version for name in versions} == versions
    assert embeddings_of(collection)["a"] == before
    assert set(embeddings_of(collection)["b"]) == {"q1/0/ocr/0", "p2/0/body/0"}


@pytest.mark.parametrize("text", ["OTHER WORDS", None])
def test_a_changed_segment_loses_its_vector_everywhere_and_its_item_is_encoded_again(collection: Collection, text):
    collection.add([picture_post(1), picture_post(2)])
    for item in ("q1", "q2"):
        save(collection, item, A)
        save(collection, item, B)
    save(collection, "q1", B, text)
    found = embeddings_of(collection)
    assert set(found["a"]) == {"q2/0/ocr/0"}
    assert ("q1/0/ocr/0" in found["b"]) == (text is not None)
    if text:
        assert encoding(collection) == {("q2", "a"), ("q1", "b"), ("q2", "b")}


def test_segments_saved_without_their_vectors_are_encoded_later(collection: Collection):
    collection.add([picture_post(1)])
    save(collection, "q1", A)
    reading, segments = ocr("q1", "NEW WORDS")
    collection.save_readings([reading], segments)
    assert encoding(collection) == set()
    assert embeddings_of(collection) == {"a": {}}


def test_only_items_whose_segments_all_come_with_vectors_stay_encoded(collection: Collection):
    collection.add([picture_post(1), picture_post(2)])
    for item in ("q1", "q2"):
        save(collection, item, A)
    (first, one), (second, two) = ocr("q1", "NEW WORDS"), ocr("q2", "NEW WORDS TOO")
    collection.save_readings(
        [first, second], [*one, *two], [(A, A.encode(one))], replaced={"q1": ["ocr"], "q2": ["ocr"]}
    )
    assert encoding(collection) == {("q1", "a")}
    assert set(embeddings_of(collection)["a"]) == {"q1/0/ocr/0"}


def test_vectors_of_segments_that_changed_meanwhile_are_not_saved(collection: Collection):
    """An encoder works on what it read from the store; another process has read the words anew by then."""
    collection.add([picture_post(1), text_post(2)])
    save(collection, "q1", A)
    old = list(collection.segments())
    save(collection, "q1", A, "NEWER WORDS")
    collection.save_readings([encoded("q1", B), encoded("p2", B)], old, [(B, B.encode(old))], replaced={})
    assert [segment.text for segment in collection.segments(["q1"])] == ["NEWER WORDS"]
    assert set(embeddings_of(collection)["b"]) == {"p2/0/body/0"}
    assert encoding(collection) == {("q1", "a"), ("p2", "b")}


def test_a_row_shows_and_filters_as_its_segment_does(collection: Collection):
    collection.add([picture_post(1)])
    save(collection, "q1", A)
    table = collection.embeddings("a")
    hit = (
        table.search(np.ones(4, np.float32), vector_column_name="vector")
        .where("author = 'o''brien' and kind = 'ocr'")
        .to_list()[0]
    )
    segment = collection.table("segments").search().where("id = 'q1/0/ocr/0'").to_list()[0]
    shared = [name for name in table.schema.names if name != "vector"]
    assert {name: hit[name] for name in shared} == {name: segment[name] for name in shared}


def test_encoders_are_listed_and_one_can_be_dropped(collection: Collection):
    collection.add([picture_post(1), picture_post(2)])
    for item in ("q1", "q2"):
        save(collection, item, A)
    save(collection, "q1", B)
    assert [(one.name, one.rows, one.dimension) for one in sorted(collection.encoders(), key=lambda e: e.name)] == [
        ("double:a", 2, 4),
        ("double:b", 1, 6),
    ]
    assert {one.name for one in collection.status().encoders} == {"double:a", "double:b"}
    collection.drop_embeddings("a")
    assert collection.embeddings("a") is None
    assert [one.name for one in collection.encoders()] == ["double:b"]
    assert encoding(collection) == {("q1", "b")}


@pytest.mark.parametrize("vector", [np.ones(3), np.array([1, 2, np.nan, 4]), np.array([1, 2, np.inf, 4])])
def test_a_vector_that_cannot_be_compared_is_refused_before_anything_is_written(collection: Collection, vector):
    collection.add([picture_post(1)])
    reading, segments = ocr("q1")
    with pytest.raises(AlciatoError, match="double:a gave a vector"):
        collection.save_readings([reading], segments, [(A, {segments[0].id: vector.astype(np.float32)})])
    assert list(collection.segments()) == []
    assert list(collection.readings()) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("openai:m@http://LocalHost:8000/v1", "openai:m@http://localhost:8000/v1/"),
        ("openai:m@https://me:secret@example.org/v1?key=1", "openai:m@https://Example.ORG/v1"),
        ("openai:m@https://example.org/v1", "openai:m@https://example.org:443/v1"),
        ("openai:m@http://[::1]:8000/v1", "openai:m@http://[::1]:8000/v1/"),
    ],
)
def test_the_same_server_written_differently_is_the_same_encoder(collection: Collection, one, other):
    collection.add([picture_post(1)])
    save(collection, "q1", EncoderDouble(one, "f"))
    assert [found.fingerprint for found in collection.encoders_named(other)] == ["f"]
    assert "secret" not in collection.status().model_dump_json()
    assert "secret" not in canonical_name(one)
    assert canonical_name("openai:Model-X@http://a/v1") != canonical_name("openai:model-x@http://a/v1")


def test_posts_added_after_the_first_vectors_can_be_found_by_words_at_once(collection: Collection):
    collection.add([picture_post(1)])
    save(collection, "q1", A)
    collection.add([text_post(9)])
    assert set(embeddings_of(collection)["a"]) == {"q1/0/ocr/0"}
    assert [one.id for one in collection.segments(["p9"])] == ["p9/0/body/0"]


def test_a_segment_of_a_post_that_is_gone_is_not_saved(collection: Collection):
    ghost = Segment(id="ghost/0/ocr/0", item="ghost", part=0, kind="ocr", text="BOO")
    collection.save_readings([encoded("ghost", A)], [ghost], [(A, A.encode([ghost]))])
    assert list(collection.segments()) == []
    assert embeddings_of(collection).get("a", {}) == {}
    assert encoding(collection) == set()
