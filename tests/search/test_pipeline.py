import json

import pytest

from alciato.errors import UsageError
from alciato.item import Item, Post, Text
from alciato.models import Runtime
from alciato.search import SearchOptions, search
from alciato.settings import load_settings
from alciato.store import Collection
from search_doubles import FakeRuntime, WordEncoder, collection_of, encode


def found(collection, *args, **kwargs):
    return [hit.item for hit in search(collection, *args, **kwargs)]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("cat pushes a vase from the table", "cat"),
        ("fried fish on a rainy day", "rain"),  # Bengali
        ("fell asleep over the book before the exam", "exam"),  # Spanish
        ("the neighbours are drilling again on Sunday", "drill"),  # German
        ("хлеб без глютена", "bread"),
    ],
)
def test_words_of_one_language_find_posts_of_another(posts, words, answer):
    assert found(posts, words)[0] == answer


@pytest.mark.parametrize("words", ["captain", "THECAP", "captian"])
def test_parts_of_words_that_recognition_joined_are_found(posts, words):
    hits = search(posts, words)
    assert hits[0].item == "captain"
    assert "trigram" in [reason.retriever for reason in hits[0].why]


@pytest.mark.parametrize(
    "words", ["mortgage interest rates", "volcano eruption in Iceland", "swimming pool membership"]
)
def test_what_nothing_answers_finds_nothing(posts, words):
    assert search(posts, words, options=SearchOptions(false_positive_rate=0.05)) == []


def test_a_hit_says_what_matched_and_why(posts):
    hit = search(posts, "printer deadline")[0]
    assert (hit.item, hit.span.part, hit.span.kind) == ("printer", 0, "body")
    assert hit.span.text == "The printer can smell a deadline."
    assert hit.source == "/posts/printer.txt"
    reasons = {reason.retriever: reason for reason in hit.why}
    assert reasons["bm25"].rank == 1
    assert reasons["bm25"].score > 0
    assert 0.8 < reasons["dense"].score <= 1
    order = list(json.loads(hit.model_dump_json()))
    assert order == ["item", "score", "span", "source", "why"]


def test_filters_hold_for_every_retriever(posts):
    assert found(posts, "printer deadline", where="author = 'blip'")[:1] == ["printer"]
    assert "printer" not in found(posts, "printer deadline", where="author = 'zork'")
    assert "printer" not in found(posts, "THEPRINTERCAN", where="author = 'zork'")
    assert found(posts, "printer deadline", where="created_at > '2024-01-05' and created_at < '2024-01-07'") == [
        "printer"
    ]
    with pytest.raises(UsageError, match="autor"):
        search(posts, "printer", where="autor = 'zork'")
    with pytest.raises(UsageError, match="cannot be followed"):
        search(posts, "printer", where="created_at = part")


def test_the_same_search_gives_the_same_hits(posts):
    first = search(posts, "coffee and bread in the morning")
    assert first == search(posts, "coffee and bread in the morning")
    scores = [hit.score for hit in first]
    assert scores == sorted(scores, reverse=True)


def test_k_cuts_and_a_post_stands_once(posts):
    assert len(search(posts, "robots of Saturn", k=1)) == 1
    items = found(posts, "the plant the cat the printer", k=12)
    assert len(items) == len(set(items))


def test_unread_posts_are_found_by_their_words(tmp_path):
    collection = Collection.open(tmp_path)
    collection.add([Post(Item(id="a", parts=(Text(text="Slugs have eaten the lettuce again."),)))])
    collection.add([Post(Item(id="b", parts=(Text(text="El niño come manzanas."),)))])
    assert found(collection, "lettuce eaten") == ["a"]
    assert found(collection, "nino") == ["b"]
    assert found(collection, "the and who") == []
    assert found(collection, "submarine") == []


def test_an_empty_collection_and_odd_queries(tmp_path, posts):
    empty = Collection.open(tmp_path)
    assert search(empty, "anything") == []
    assert search(posts, "!!! ???") == []
    with pytest.raises(UsageError, match="nothing to search for"):
        search(empty, "   ")
    with pytest.raises(UsageError, match="k is 0"):
        search(empty, "x", k=0)


def test_vectors_of_another_encoder_are_not_compared(posts):
    other = load_settings(models={"encoder": "openai:other@http://127.0.0.1:1/v1"})
    hits = search(posts, "printer deadline", runtime=Runtime(other))
    assert [reason.retriever for reason in hits[0].why] == ["bm25"]


def test_a_picture_that_cannot_be_read_is_a_usage_error(tmp_path, posts):
    with pytest.raises(UsageError, match="cannot be opened"):
        search(posts, image=tmp_path / "none.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    with pytest.raises(UsageError, match="broken.png"):
        search(posts, image=broken)


class NewerWords(WordEncoder):
    fingerprint = "fake-words-2"


CATS = {"cat": "The cat knocked the vase over.", "dog": "A dog sleeps.", "bread": "Bread is expensive."}


def warnings(caplog, collection, runtime):
    caplog.clear()
    found(collection, "cat", runtime=runtime)
    return [record.getMessage() for record in caplog.records]


def test_vectors_of_another_version_of_the_encoder_are_told_with_the_command(tmp_path, caplog):
    collection, runtime = collection_of(tmp_path / "c", CATS, WordEncoder()), FakeRuntime(tmp_path, NewerWords())
    (told,) = warnings(caplog, collection, runtime)
    assert "3 vectors are of another version of fake:words: `alciato read`" in told
    encode(collection, NewerWords())
    assert warnings(caplog, collection, runtime) == []


def test_segments_that_only_an_older_version_has_encoded_are_counted(tmp_path, caplog):
    collection, runtime = collection_of(tmp_path / "c", CATS, WordEncoder()), FakeRuntime(tmp_path, NewerWords())
    one = [segment for segment in collection.segments() if segment.item == "cat"]
    vectors = NewerWords().encode([segment.text for segment in one]).dense
    collection.save_readings([], one, [(NewerWords(), {one[0].id: vectors[0]})])
    (told,) = warnings(caplog, collection, runtime)
    assert "2 vectors are of another version of fake:words: `alciato read`" in told


def test_vectors_that_are_missing_are_told_and_an_empty_collection_lacks_none(tmp_path, caplog):
    runtime = FakeRuntime(tmp_path, WordEncoder())
    (told,) = warnings(caplog, collection_of(tmp_path / "c", CATS), runtime)
    assert "no vectors by fake:words: `alciato read`" in told
    assert warnings(caplog, Collection.open(tmp_path / "empty"), runtime) == []


@pytest.mark.parametrize("name", ["packaged:nonsense", "nonsense", "openai:m@http://h:abc/v1"])
def test_an_encoder_of_the_settings_that_no_model_is_is_an_error(posts, name):
    with pytest.raises(UsageError):
        search(posts, "printer deadline", runtime=Runtime(load_settings(models={"encoder": name})))
