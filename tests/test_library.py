"""Every method of `Library` over a small real collection, and what `alciato.open` refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import alciato
from alciato.errors import UsageError
from alciato.judge.calibration import CURVES
from alciato.library import Library, as_json
from alciato.models import Runtime
from alciato.models.offline import Offline
from alciato.models.runtime import SCHEMES
from alciato.settings import Models, Settings
from judging_doubles import POLICY
from pictures import picture
from read.doubles import Named, SizedOcr
from search_doubles import WordEncoder
from store import conftest as store_fixtures

bucket = store_fixtures.bucket

TEXTS = {
    "cat": "The cat knocked the vase over and is not sorry at all.",
    "bread": "Bread without gluten costs four coins at the new bakery.",
    "mars": "We should throw every martian into the volcano.",
    "drill": "The neighbours drill into the wall on Sunday at seven.",
}


class Words(WordEncoder):
    """The encoder of words under a name that a runtime can load."""

    name = "double:words"


class OtherWords(WordEncoder):
    """Another encoder of the same kind."""

    name, fingerprint = "double:others", "fake-words-2"


@pytest.fixture(scope="module", autouse=True)
def doubles() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCHEMES.registered_members, "double", "read.doubles:load_double")
        patch.setattr("alciato.judge.strategies.prototype.curves_for", lambda *_: CURVES)  # it counts words only
        patch.setattr(Named, "models", {"words": Words(), "others": OtherWords(), "ocr": SizedOcr()})
        yield


def settings_at(folder: Path, **changes: object) -> Settings:
    models = Models(encoder="double:words", ocr="double:ocr", transcriber=None)
    return Settings(cache=folder / "cache", models=models, workers=1, **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("posts")
    for name, text in TEXTS.items():
        (made / f"{name}.txt").write_text(text)
    picture(made / "monday.png", "NO MORE\nMONDAYS")
    picture(made / "teapot.png", "THE TEAPOT", "darkgreen", (400, 300))
    return made


@pytest.fixture(scope="module")
def added(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("library")
    library = alciato.open(place / "c", settings=settings_at(place))
    steps = []
    return library, library.add(folder, report=steps.append), steps


@pytest.fixture
def library(added) -> Library:
    return added[0]


def named(library: Library, name: str) -> str:
    (found,) = [item.id for item in library.items() if str(item.metadata.get("source", "")).endswith(name)]
    return found


def test_add_takes_in_reads_and_reports(added, folder):
    library, summary, steps = added
    assert (summary.added, summary.known, summary.skipped) == (6, 0, [])
    assert sorted(summary.ids) == sorted(library.ids())
    assert summary.read.items == 6
    assert summary.read.failed == []
    assert {step.step for step in steps} > {"adding"}
    again = library.add(folder)
    assert (again.added, again.known, again.read.items) == (0, 6, 0)
    with pytest.raises(UsageError, match="nowhere"):
        library.add(folder / "nowhere")


def test_add_without_reading_leaves_the_reading_for_later(folder, tmp_path):
    library = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    table = tmp_path / "posts.csv"
    table.write_text("who,says\nzork,hello there\n")
    summary = library.add(table, mapping={"author": "who", "text": "says"}, read=False)
    assert summary.read is None
    assert library.status().readings == {}
    assert [item.metadata["author"] for item in library.items()] == ["zork"]
    (folder_with_damage := tmp_path / "bad").mkdir()
    (folder_with_damage / "broken.png").write_bytes((folder / "monday.png").read_bytes()[:100])
    assert [one.reason for one in library.add(folder_with_damage, read=False).skipped] == ["truncated"]
    assert library.read().items == 1


def test_read_leaves_every_row_in_an_index(library):
    assert library.read().items == 0
    status = library.status()
    assert {("items", "id"), ("segments", "item"), ("readings", "item")} <= {
        (index.table, index.column) for index in status.indexes
    }
    assert [index for index in status.indexes if index.unindexed] == []


def test_read_takes_ids_kinds_and_again(library):
    item = named(library, "monday.png")
    assert library.read(ids=[item], kinds=["ocr"], again=True).readings == 1


def test_search_by_words_by_picture_and_with_a_filter(library, folder):
    assert library.search("kitten vase")[0].item == named(library, "cat.txt")
    (hit, *_) = library.search(image=folder / "teapot.png")
    assert hit.item == named(library, "teapot.png")
    assert "400 by 300" in {one.span.text for one in library.search("400 by 300")}
    assert len(library.search("cat bread drill volcano", k=1)) == 1
    assert library.search("kitten vase", where="created_at > '2999-01-01'") == []


def test_how_a_search_is_composed_is_a_setting_and_can_be_given(library, folder):
    from alciato.search import Query, SearchOptions

    hits = library.search("kitten vase", options=SearchOptions(retrievers=("bm25",)))
    assert {reason.retriever for hit in hits for reason in hit.why} == {"bm25"}
    words = library.runtime.settings.model_copy(update={"search": SearchOptions(retrievers=("bm25",))})
    same = Library(library.collection, Runtime(words))
    assert same.search("kitten vase") == hits
    with pytest.raises(UsageError, match="relevance"):
        library.search("kitten vase", options=SearchOptions(reranker="relevence"))
    cat = named(library, "cat.txt")
    unlike = library.search(Query("kitten vase", unlike=(TEXTS["cat"],)))
    assert cat not in {hit.item for hit in unlike}
    assert library.search(Query(items=(cat,))) == library.similar(cat)


def test_similar_leaves_the_post_itself_out(library):
    item = named(library, "cat.txt")
    assert item not in {hit.item for hit in library.similar(item, k=3)}


def test_duplicates_are_none_until_a_copy_is_there(folder, tmp_path):
    library = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    (tmp_path / "copies").mkdir()
    from PIL import Image
    from skimage import data

    photograph = Image.fromarray(data.astronaut())
    photograph.save(tmp_path / "copies" / "a.png")
    library.add(tmp_path / "copies", folder / "teapot.png")
    assert library.duplicates() == []
    photograph.resize((300, 300)).save(tmp_path / "copies" / "b.jpg")
    library.add(tmp_path / "copies")
    (cluster,) = library.duplicates()
    assert len(as_json(cluster)["members"]) == 2


def test_judge_takes_a_policy_by_name_by_value_and_by_none(library):
    from alciato.judge import Policy

    policy = Policy.model_validate(POLICY)
    verdicts = list(library.judge(policy))
    assert [one.item for one in verdicts] == library.ids()
    assert {one.policy for one in verdicts} == {policy.label}
    item = named(library, "mars.txt")
    assert [one.item for one in library.judge(policy, ids=[item], again=True)] == [item]
    with pytest.raises(UsageError, match="the strategy 'prototype'.*nonsense"):
        list(library.judge(policy, options={"nonsense": 1}))
    assert library.policy(policy) is policy
    assert library.policy("general") == library.policy(None)
    with pytest.raises(UsageError, match="general"):
        library.policy("generall")


def test_ask_answers_from_the_posts_or_says_that_they_do_not_hold_it(library):
    reply = library.ask("What does bread without gluten cost?")
    assert {citation.item for citation in reply.citations} <= set(library.ids())
    assert reply.found == bool(reply.sentences)


def test_export_is_what_add_reads_back(library, tmp_path):
    assert library.export(tmp_path / "out", [named(library, "cat.txt"), named(library, "teapot.png")]) == 2
    other = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    other.add(tmp_path / "out", read=False)
    assert sorted(other.ids()) == sorted([named(library, "cat.txt"), named(library, "teapot.png")])


def test_an_export_does_not_replace_a_table_of_posts_that_is_there(library, tmp_path):
    """An export into the folder that was added replaced its posts.jsonl."""
    (tmp_path / "posts.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="Name another folder"):
        library.export(tmp_path)
    assert (tmp_path / "posts.jsonl").read_text() == "mine"
    assert not (tmp_path / "media").exists()


def test_an_export_keeps_who_replies_to_whom(tmp_path):
    rows = [{"id": "a", "text": "first"}, {"id": "b", "text": "second", "reply_to": "a", "author": "zork"}]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = (alciato.open(tmp_path / name, settings=settings_at(tmp_path)) for name in ("one", "two"))
    first.add(tmp_path / "posts.jsonl", read=False)
    first.export(tmp_path / "out")
    second.add(tmp_path / "out", read=False)
    told = [{item.id: (item.links, item.metadata.get("author")) for item in one.items()} for one in (first, second)]
    assert told[0] == told[1]
    assert told[0]["b"][0][0].target == "a"


def test_remove_takes_a_post_out_of_search(folder, tmp_path):
    library = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    library.add(folder / "cat.txt", folder / "bread.txt")
    (cat,) = {hit.item for hit in library.search("kitten vase")}
    assert list(library.remove([cat]).items) == [cat]
    assert cat not in library.ids()
    assert library.search("kitten vase") == []


def test_embed_adds_an_encoder_beside_the_first(folder, tmp_path):
    library = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    library.add(folder / "cat.txt")
    assert library.embed("double:others").failed == []
    assert {encoder.name for encoder in library.status().encoders} == {"double:words", "double:others"}
    assert library.runtime.settings.models.encoder == "double:words"


def test_check_names_what_repair_makes_good(folder, tmp_path):
    import shutil

    library = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    library.add(folder / "cat.txt")
    assert library.check() == []
    shutil.rmtree(tmp_path / "c" / "segments.lance")
    again = alciato.open(tmp_path / "c", settings=settings_at(tmp_path))
    assert again.check()
    again.check(repair=True)
    assert alciato.open(tmp_path / "c", settings=settings_at(tmp_path)).check() == []


def test_ids_items_and_resolve(library):
    ids = library.ids()
    assert [item.id for item in library.items(ids[:2])] == ids[:2]
    assert library.ids("created_at > '2999-01-01'") == []
    assert [item.id for item in library.items()] == ids
    assert library.resolve(ids[0][:-1]) == ids[0]
    with pytest.raises(UsageError, match="colour"):
        library.ids("colour = 'red'")
    with pytest.raises(UsageError, match="zzz"):
        library.resolve("zzz")


def test_status_and_name(library):
    assert library.status().items == len(library.ids())
    assert library.collection.uri in repr(library)


def test_open_takes_the_collection_of_the_settings_and_makes_none_unasked(tmp_path):
    settings = settings_at(tmp_path, collection=str(tmp_path / "named"))
    with pytest.raises(UsageError, match="no collection here"):
        alciato.open(settings=settings, create=False)
    alciato.open(settings=settings)
    assert alciato.open(settings=settings, create=False).ids() == []


def test_offline_opens_no_object_storage(tmp_path, monkeypatch):
    monkeypatch.setattr("alciato.library.Collection.open", lambda *_, **__: pytest.fail("storage was opened"))
    with pytest.raises(Offline, match="bucket"):
        alciato.open("s3://bucket/posts", settings=settings_at(tmp_path, offline=True))


def test_two_libraries_on_two_threads_keep_their_own_offline_switch(bucket, folder, tmp_path):
    """While one thread works on object storage, a library that is offline is refused it, and the other is not."""
    both = threading.Barrier(2, timeout=60)

    def online() -> int:
        both.wait()
        library = alciato.open(bucket, settings=settings_at(tmp_path / "online"))
        library.add(folder / "cat.txt")
        both.wait()
        return len(library.search("kitten vase"))

    def offline() -> int:
        settings = settings_at(tmp_path / "offline", offline=True)
        both.wait()
        with pytest.raises(Offline):
            alciato.open(bucket, settings=settings)
        library = alciato.open(tmp_path / "here", settings=settings)
        library.add(folder / "cat.txt")
        both.wait()
        with pytest.raises(Offline):
            alciato.open(bucket, settings=settings)
        return len(library.search("kitten vase"))

    with ThreadPoolExecutor(2) as threads:
        results = [threads.submit(online), threads.submit(offline)]
        assert [result.result() for result in results] == [1, 1]
