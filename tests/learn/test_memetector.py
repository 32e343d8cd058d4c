"""`alciato learn reader --strategy memetector` on 24 small posts, to a reading and to the report."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch")

from alciato import world  # noqa: E402
from alciato.errors import AlciatoError, UsageError  # noqa: E402
from alciato.item import Image, Item, Post, Text, Verdict, media_hash  # noqa: E402
from alciato.judge import load_policy  # noqa: E402
from alciato.learn import examples_of, load_examples, prepare, train  # noqa: E402
from alciato.models import Detector, Runtime, default_runtime  # noqa: E402
from alciato.read import read, read_post  # noqa: E402
from alciato.report import write_report  # noqa: E402
from alciato.report.heat import heat_over  # noqa: E402
from alciato.settings import Models, Settings  # noqa: E402
from alciato.store import Collection  # noqa: E402

torch.set_num_threads(1)

SMALL = {"size": "32", "patch": "8", "dim": "16", "depth": "2", "boxes": "truth"}
TRAINING = {"epochs": 2, "batch_size": 8}
ONLY = {"ocr": None, "transcriber": None, "nudity": None}


def write_posts(folder, macros=12, plain=12):
    """Macros and plain pictures of the world, half of these with words, in one folder with their truth."""
    kinds = {"macro": (macros, {}), "plain": (plain, {"words": 0.5})}
    rows, media = [], folder / "media"
    media.mkdir(parents=True)
    for kind, (count, options) in kinds.items():
        made = world.write(world.make(kind, count, seed=7, size=64, **options), folder / kind)
        for file in (made / "media").iterdir():
            file.rename(media / file.name)
        rows += [json.loads(line) for line in (made / "posts.jsonl").read_text("utf-8").splitlines()]
        for rest in (made / "posts.jsonl", made / "posts.parquet", made / ".world.json"):
            rest.unlink()
        (made / "media").rmdir()
        made.rmdir()
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    return write_posts(tmp_path_factory.mktemp("world") / "posts")


@pytest.fixture(scope="module")
def taught(posts, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "detector"
    return train(prepare("reader", "memetector", load_examples(posts), training=TRAINING, options=SMALL), out)


def picture_of_a_macro():
    return world.make("macro", 1, seed=99, size=64)[0]


def test_one_folder_holds_weights_configuration_and_card(taught):
    names = {path.name for path in taught.folder.iterdir()}
    assert {"config.json", "model.safetensors", "README.md"} <= names
    assert not taught.metrics  # two test examples of each class carry no metric
    assert "no metric is given" in taught.warnings[-1]
    card = (taught.folder / "README.md").read_text("utf-8")
    assert "2205.13268" in card
    assert "visual parts" in card


def test_the_plain_class_is_mixed_and_as_large_as_the_memes(taught):
    assert taught.counts["train"]["macro"] == taught.counts["train"]["plain"]


def test_the_same_seed_gives_the_same_detector(posts, taught, tmp_path):
    train(prepare("reader", "memetector", load_examples(posts), training=TRAINING, options=SMALL), tmp_path / "again")
    first, again = ((f / "model.safetensors").read_bytes() for f in (taught.folder, tmp_path / "again"))
    assert first == again


def test_visual_parts_stay_in_the_split_of_their_meme_and_hold_no_words(posts):
    plan = prepare("reader", "memetector", load_examples(posts), options={**SMALL, "vpu": "1"})
    truth = world.read_truth(posts)
    for part in plan.splits:
        memes = {example.id for example in part if example.label == "macro"}
        cut = [example for example in part if example.id.endswith("/visual-part")]
        assert len(cut) == len(memes)
        for example in cut:
            origin = example.id.removesuffix("/visual-part")
            assert origin in memes
            assert truth[origin].lines
            assert example.label == "plain"
            assert example.picture().width * example.picture().height < 64 * 64


def test_boxes_come_from_the_readings_of_a_collection(posts, tmp_path, monkeypatch):
    from alciato.item import Box, Finding, Reading

    monkeypatch.setattr("alciato.learn.memetector._recognised_boxes", lambda *_: pytest.fail("all have been read"))
    collection = Collection.open(tmp_path / "collection")
    data = load_examples(posts)
    collection.add(Post(e.item, {e.image.media: e.media(e.image.media)}) for e in data)
    word = (Finding(text="WORD", box=Box(0, 0, 64, 32), confidence=1),)
    readings = [
        Reading(item=e.id, part=0, kind="ocr", model="m", version="1", findings=word if e.label == "macro" else ())
        for e in data
    ]
    collection.save_readings(readings)
    options = {**SMALL, "boxes": "read", "vpu": "1"}
    plan = prepare("reader", "memetector", load_examples(collection.uri), options=options)
    cut = [example for example in plan.splits.train if example.id.endswith("/visual-part")]
    assert cut
    assert {example.picture().size for example in cut} == {(64, 32)}


@pytest.mark.slow
def test_boxes_come_from_ocr_where_nothing_has_been_read(posts):
    plan = prepare("reader", "memetector", load_examples(posts), options={**SMALL, "boxes": "read"})
    assert any(example.id.endswith("/visual-part") for example in plan.splits.train)


def test_the_trained_folder_reads_and_is_read_again_only_when_it_changes(taught, tmp_path):
    name = f"trained:{taught.folder}"
    settings = Settings(models=Models(meme=name, **ONLY))
    collection = Collection.open(tmp_path / "collection")
    collection.add([picture_of_a_macro().post])
    assert read(collection, Runtime(settings), kinds=["meme"]).readings == 1
    (reading,) = collection.readings(kinds=["meme"])
    (finding,) = reading.findings
    assert (reading.model, finding.label) == (name, "meme")
    assert 0 <= finding.confidence <= 1
    assert sum(map(sum, finding.heat)) == pytest.approx(1, abs=1e-4)
    assert read(collection, Runtime(settings), kinds=["meme"]).readings == 0


def test_read_post_gives_the_score_and_a_broken_picture_a_reason(taught):
    settings = Settings(models=Models(meme=f"trained:{taught.folder}", **ONLY))
    readings = {reading.kind: reading for reading in read_post(picture_of_a_macro().post, Runtime(settings))}
    assert readings["meme"].findings[0].label == "meme"
    data = b"\x89PNG\r\n\x1a\nbroken"
    part = Image(media=media_hash(data), mime="image/png", width=4, height=4)
    (broken,) = [r for r in read_post(Post(Item.of([part]), {part.media: data}), Runtime(settings)) if r.kind == "meme"]
    assert broken.error.startswith("broken")


def test_without_a_named_detector_there_is_no_such_reading():
    kinds = {reading.kind for reading in read_post(picture_of_a_macro().post, Runtime(Settings(models=Models(**ONLY))))}
    assert "meme" not in kinds


def test_the_report_shows_score_and_heat_map(taught, tmp_path):
    settings = Settings(models=Models(meme=f"trained:{taught.folder}", **ONLY))
    collection, post = Collection.open(tmp_path / "collection"), picture_of_a_macro().post
    collection.add([post])
    read(collection, Runtime(settings), kinds=["meme"])
    policy = load_policy("general")
    verdict = Verdict(
        item=post.item.id, decision="allow", scores={}, policy=policy.label, model="m", strategy="s",
        judged_at=datetime.now(UTC),
    )  # fmt: skip
    write_report(tmp_path / "page.html", collection, policy, [verdict])
    page = (tmp_path / "page.html").read_text("utf-8")
    (reading,) = collection.readings(kinds=["meme"])
    heat = heat_over([reading], 0, None, 64, 64)
    assert page.count("fill-opacity") == len(heat.cells)
    assert f"Meme score {heat.score:.2f}" in page


def png(colour):
    file = io.BytesIO()
    Pictures.new("RGB", (40, 40), colour).save(file, "PNG")
    return file.getvalue()


def labelled(number, label, *, picture=True):
    data = png((number * 7 % 255, 40, 90))
    part = Image(media=media_hash(data), mime="image/png", width=40, height=40)
    item = Item.of([part] if picture else [Text(text=f"words {number}")], {"label": label})
    return Post(item, {part.media: data} if picture else {})


@pytest.fixture
def no_words(monkeypatch):
    """Every picture has been looked at, and none has words."""
    monkeypatch.setattr("alciato.learn.memetector._recognised_boxes", lambda some, _: {one.id: [] for one in some})


READ = {**SMALL, "boxes": "read"}


def test_posts_without_a_picture_are_left_out_and_counted(no_words):
    many = [labelled(n, "meme" if n % 2 else "plain") for n in range(24)]
    examples = examples_of([*many, labelled(50, "meme", picture=False), labelled(51, "plain", picture=False)])
    prepare("reader", "memetector", examples, options=READ)
    assert examples.skipped["without a picture"] == 2


def test_only_words_cannot_be_learned_from(no_words):
    examples = examples_of(labelled(n, "meme" if n % 2 else "plain", picture=False) for n in range(24))
    with pytest.raises(AlciatoError, match="no memes"):
        prepare("reader", "memetector", examples, options=READ)


def test_other_classes_are_named(no_words):
    examples = examples_of(labelled(n, "cat" if n % 2 else "dog") for n in range(24))
    with pytest.raises(UsageError, match="'cat', 'dog'.*Label posts"):
        prepare("reader", "memetector", examples, options=READ)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"vpu": "1.5"}, "'vpu'"),
        ({"vpus": "0.5"}, "'vpus'.*Known: vpu"),
        ({"size": "50"}, "not a multiple"),
        ({"boxes": "truth"}, "it has no ground truth"),
    ],
)
def test_an_option_that_cannot_be_is_named(no_words, options, told):
    examples = examples_of(labelled(n, "meme" if n % 2 else "plain") for n in range(24))
    with pytest.raises(UsageError, match=told):
        prepare("reader", "memetector", examples, options={**READ, **options})


def test_a_damaged_folder_is_refused(taught, tmp_path):
    import shutil

    from alciato.errors import ModelError

    folder = tmp_path / "copy"
    shutil.copytree(taught.folder, folder)
    (folder / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="SHA-256"):
        default_runtime().load(f"trained:{folder}", Detector)
