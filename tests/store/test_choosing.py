"""Which items: by id, by a prefix, by a condition, by time; and removing them whole."""

from datetime import UTC, datetime, timedelta

import pytest

from alciato.errors import UsageError
from alciato.item import Item, Post, Text
from alciato.store import Collection
from store.conftest import EncoderDouble, embeddings_of, encoded, ocr, picture_post, text_post
from store.test_verdicts import verdict


def named(*ids: str) -> list[Post]:
    return [Post(Item(id=id_, parts=(Text(text=f"post {id_}"),), metadata={"author": id_[:1]})) for id_ in ids]


def test_a_prefix_that_names_one_post_will_do(collection: Collection):
    collection.add(named("abc", "abd", "xyz", "ab%", "o'brien"))
    assert collection.resolve("x") == "xyz"
    assert collection.resolve("abc") == "abc"
    assert collection.resolve("ab%") == "ab%"
    assert collection.resolve("o'") == "o'brien"


def test_an_id_that_is_whole_wins_over_longer_ones(collection: Collection):
    collection.add(named("post", "post~1234"))
    assert collection.resolve("post") == "post"
    assert collection.resolve("post~") == "post~1234"


def test_an_ambiguous_or_unknown_prefix_is_told_with_the_candidates(collection: Collection):
    collection.add(named("abc", "abd", *(f"n{n:02}" for n in range(12))))
    with pytest.raises(UsageError, match="'ab' names several posts: abc, abd. Write more"):
        collection.resolve("ab")
    with pytest.raises(UsageError, match="n00, .*n09 and more"):
        collection.resolve("n")
    for prefix in ("zz", "%", "", "b"):
        with pytest.raises(UsageError, match="no post"):
            collection.resolve(prefix)


def test_ids_are_chosen_by_condition_and_time_in_the_order_of_adding(collection: Collection):
    collection.add(named("b1", "a1"))
    collection.add(named("a2"))
    assert collection.ids() == ["b1", "a1", "a2"]
    assert collection.ids("author = 'a'") == ["a1", "a2"]
    now = datetime.now(UTC)
    assert collection.ids(since=now - timedelta(hours=1)) == ["b1", "a1", "a2"]
    assert collection.ids("author = 'b' or author = 'a'", since=now + timedelta(hours=1)) == []


def test_a_removed_post_leaves_nothing_but_its_history(collection: Collection):
    encoder = EncoderDouble()
    collection.add([picture_post(1), picture_post(2), text_post(3)])
    for item in ("q1", "q2"):
        reading, segments = ocr(item)
        collection.save_readings([reading, encoded(item, encoder)], segments, [(encoder, encoder.encode(segments))])
    collection.save_verdicts([verdict(item="q1"), verdict(item="q2")])
    sha = picture_post(1).item.parts[0].media
    removed = collection.remove(["q1", "p3"])
    assert (removed.items, removed.media) == (["q1", "p3"], [sha])
    assert collection.ids() == ["q2"]
    assert {one.item for one in collection.segments()} == {"q2"}
    assert {one.item for one in collection.readings()} == {"q2"}
    assert set(embeddings_of(collection)["a"]) == {"q2/0/ocr/0"}
    assert collection.media_many([sha]) == {}
    assert [one.item for one in collection.verdicts()] == ["q2"]
    assert [one.item for one in collection.verdicts(history=True)] == ["q2", "q1"]
    assert collection.status().verdicts == 1
    assert collection.check() == []


def test_a_medium_of_another_post_stays(collection: Collection):
    first = picture_post(1)
    twin = Post(first.item.model_copy(update={"id": "twin"}), first.media)
    collection.add([first, twin])
    assert collection.remove(["q1"]).media == []
    assert collection.media(first.item.parts[0].media) == b"picture 1"
    assert collection.remove(["twin"]).media == [first.item.parts[0].media]


def test_an_unknown_id_removes_nothing(collection: Collection):
    collection.add([text_post(1)])
    with pytest.raises(UsageError, match="no item has the id 'p9'"):
        collection.remove(["p1", "p9"])
    assert collection.ids() == ["p1"]


def test_a_removed_post_can_come_again_and_is_judged_anew(collection: Collection):
    collection.add([picture_post(1)])
    collection.save_verdicts([verdict(item="q1")])
    collection.remove(["q1"])
    assert collection.add([picture_post(1)]).added == 1
    assert list(collection.verdicts()) == []
    collection.save_verdicts([verdict("remove", item="q1", day=2)])
    assert [one.decision for one in collection.verdicts()] == ["remove"]


def test_adding_again_brings_back_a_medium_that_was_lost(collection: Collection):
    post = picture_post(1)
    collection.add([post])
    collection.table("media").delete("true")
    assert [(one.part, one.where) for one in collection.check()] == [("missing", "q1")]
    assert collection.add([post]).known == 1
    assert collection.check() == []
