"""`alciato learn judge --strategy modular`: taught on composed posts, used as a strategy, step by step."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch

from alciato import world
from alciato.errors import AlciatoError, UsageError
from alciato.item import Box, Finding, Item, Post, Text
from alciato.judge import judge
from alciato.judge.judging import contents_of
from alciato.judge.strategies.modular import TrainedModular, parts_of, policy_of
from alciato.learn.examples import examples_of, load_examples
from alciato.learn.modular import DROPS
from alciato.learn.training import first_batch, prepare, train
from alciato.models import Encoder, Ocr, Runtime
from alciato.nets.modular_posts import PostFeatures, PostsConfig, slug
from alciato.read import read
from alciato.settings import load_settings
from alciato.store import Collection

RESULTS = Path(__file__).parents[2] / "docs/results/multimodn.json"
OPTIONS = {"modules": "text,picture,table", "size": 32}


def with_numbers(post: Post, number: int) -> Post:
    """Some posts know how many followers their author has, and all repeat the label as a number."""
    metadata = {**post.item.metadata, "answer": int(post.item.metadata["label"] == "offends")}
    metadata |= {"followers": number * 10} if number % 3 else {}
    return Post(post.item.model_copy(update={"metadata": metadata}), post.media)


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    made = [post.post for post in world.make("confounder", 96, seed=3, size=48, layout="text")]
    return [with_numbers(post, number) for number, post in enumerate(made)]


@pytest.fixture(scope="module")
def folder(posts: list[Post], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("judge") / "m"
    taught = train(prepare("judge", "modular", examples_of(posts), training={"epochs": 2}, options=OPTIONS), out)
    assert {"accuracy", "auroc", "loss"} <= taught.metrics.keys()
    assert (out / "README.md").read_text().startswith("# modular")
    return out


def test_it_judges_step_by_step_what_each_post_has(folder: Path, posts: list[Post], tmp_path: Path):
    runtime = Runtime(load_settings(models={"judge": f"trained:{folder}"}))
    collection = Collection.open(tmp_path / "c")
    bare = Post(Item(id="bare", parts=(Text(text="no picture here"),)))
    empty = Post(Item(id="empty"))
    collection.add([posts[0], bare, empty])
    policy = policy_of(runtime)
    assert [category.id for category in policy.categories] == ["offends"]
    verdicts = {v.item: v for v in judge(collection, policy, "modular", runtime=runtime)}
    assert verdicts["empty"].decision == "review"
    assert verdicts["empty"].scores == {}
    assert set(verdicts["bare"].scores) == {"offends"}
    trained = runtime.load(f"trained:{folder}", TrainedModular)
    assert verdicts["bare"].model == f"{trained.name}@{trained.fingerprint}"


def test_the_verdict_tells_every_step(folder: Path, posts: list[Post], tmp_path: Path):
    runtime = Runtime(load_settings(models={"judge": f"trained:{folder}"}))
    collection = Collection.open(tmp_path / "c")
    collection.add([Post(Item(id="bare", parts=(Text(text="no picture here"),)))])
    policy = policy_of(runtime)
    strict = policy.categories[0].model_copy(
        update={"thresholds": policy.categories[0].thresholds.model_copy(update={"review": 0.0})}
    )
    told = next(judge(collection, policy.model_copy(update={"categories": (strict,)}), "modular", runtime=runtime))
    assert "before any part" in told.reasons[0]
    assert "picture: missing" in told.reasons[0]


def test_a_dry_run_shows_what_is_missing(posts: list[Post]):
    plan = prepare("judge", "modular", examples_of(posts), options=OPTIONS)
    rows = first_batch(plan)
    assert any(row["missing"] == ["table"] for row in rows)
    assert rows[0]["picture"] == [32, 32]


def test_a_policy_of_other_categories_is_refused(folder: Path, tmp_path: Path):
    from alciato.judge import load_policy

    runtime = Runtime(load_settings(models={"judge": f"trained:{folder}"}))
    with pytest.raises(UsageError, match="It was trained on offends"):
        list(judge(Collection.open(tmp_path / "c"), load_policy("general"), "modular", runtime=runtime))


def test_without_a_trained_judge_it_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(UsageError, match="alciato learn judge"):
        policy_of(Runtime(load_settings()))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"modules": "text,smell"}, "modules"), ({"benign": "benin"}, "benign"), ({"colour": 1}, "colour")],
)
def test_a_wrong_option_is_named(posts: list[Post], options: dict[str, object], message: str):
    with pytest.raises(UsageError, match=message):
        prepare("judge", "modular", examples_of(posts), options=options)


def test_one_class_only_is_an_error(posts: list[Post]):
    benign = [post for post in posts if post.item.metadata["label"] == "benign"]
    with pytest.raises(AlciatoError):
        examples_of(benign)


@pytest.mark.parametrize(
    ("name", "id_"),
    [("Offends", "offends"), ("1", "class-1"), ("hate speech!", "hate-speech"), ("злой", "class-unnamed")],
)
def test_a_class_becomes_a_category(name: str, id_: str):
    assert slug(name) == id_


class TightOcr:
    """Recognises what PP-OCR gives for words set in tight capitals: joined words."""

    name, fingerprint = "double:tight", "1"

    def recognise(self, picture: object) -> list[Finding]:
        del picture
        lines = ("LOOKATME IAM", "THECAPTAIN NOW")
        return [Finding(text=text, box=Box(4, 10 * n, 40, 10 * n + 8), confidence=0.9) for n, text in enumerate(lines)]


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """A runtime whose text recognition joins words."""
    load = Runtime.load

    def given(self: Runtime, name: str, kind: type) -> Any:
        return TightOcr() if kind is Ocr else load(self, name, kind)

    monkeypatch.setattr(Runtime, "load", given)
    return Runtime(load_settings(workers=1))  # reads in this process, where the double is


@pytest.mark.slow
@pytest.mark.parametrize("stored", [False, True])
def test_features_in_training_equal_those_in_serving(posts: list[Post], tight: Runtime, tmp_path: Path, stored: bool):
    """The words on a picture are respaced in training as in serving, whether the posts are in a collection or not."""
    collection = Collection.open(tmp_path / "c")
    collection.add(posts)
    read(collection, tight, kinds=["ocr", "segment"])
    examples = load_examples(collection.uri) if stored else examples_of(posts)
    plan = prepare("judge", "modular", examples, options={"size": 32}, runtime=tight)
    some = [example for example in plan.splits.train if example.image is not None][:3]
    batch = plan.collate(some, torch.Generator())
    row = plan.collate.decode(batch)[0]
    assert row["words"].split() == ["LOOK", "AT", "ME", "I", "AM", "THE", "CAPTAIN", "NOW"]

    config = PostsConfig.model_validate(plan.settings)
    served = PostFeatures(config, tight.load(config.encoder, Encoder))
    contents = contents_of(collection, [example.id for example in some], tight.settings.limits)
    tensors = served([parts_of(content, config.columns) for content in contents])
    assert set(tensors.inputs) == set(config.modules) >= {"text", "words", "picture"}
    for module in config.modules:
        assert torch.equal(batch["present"][module], tensors.present[module]), module
        assert torch.equal(batch["inputs"][module], tensors.inputs[module]), module
    assert batch["present"]["words"].all()


def test_the_steps_are_trained_in_random_order_unless_switched_off(posts: list[Post]):
    assert prepare("judge", "modular", examples_of(posts), options=OPTIONS).objective.shuffle
    plan = prepare("judge", "modular", examples_of(posts), options={**OPTIONS, "shuffle": "false"})
    assert not plan.objective.shuffle
    assert "in this order during training" in plan.card


def test_the_card_gives_the_measured_drop(posts: list[Post]):
    card = prepare("judge", "modular", examples_of(posts), options=OPTIONS).card
    assert f"loses {DROPS['random']:.2f} AUROC with random order, {DROPS['fixed']:.2f} with fixed order" in card
    assert DROPS["random"] < DROPS["fixed"]


@pytest.mark.skipif(not RESULTS.is_file(), reason="no result of MultiModN is committed")
@pytest.mark.parametrize(("order", "variant"), [("random", "modular"), ("fixed", "modular, fixed order")])
def test_the_figures_of_the_card_are_those_of_the_committed_results(order: str, variant: str):
    records = json.loads(RESULTS.read_text("utf-8"))["records"]
    drops = [r["metrics"]["drop"] for r in records if (r["dataset"], r["variant"]) == ("posts", variant)]
    assert len(drops) >= 5
    assert DROPS[order] == pytest.approx(statistics.fmean(drops), abs=0.02)


def test_a_column_that_leaks_the_label_is_warned_of(posts: list[Post]):
    plan = prepare("judge", "modular", examples_of(posts), options=OPTIONS)
    assert [column["name"] for column in plan.settings["columns"]] == ["followers"]
    assert any("'answer' is left out, because it leaks the label" in warning for warning in plan.warnings)
    with pytest.raises(UsageError, match="'answer' leaks the label"):
        prepare("judge", "modular", examples_of(posts), options={**OPTIONS, "columns": "followers,answer"})


def test_a_part_that_only_one_class_has_is_warned_of(posts: list[Post]):
    bare = [
        Post(post.item.model_copy(update={"parts": tuple(p for p in post.item.parts if isinstance(p, Text))}))
        if post.item.metadata["label"] == "benign"
        else post
        for post in posts
    ]
    plan = prepare("judge", "modular", examples_of(bare), options=OPTIONS)
    assert any("100% of the training posts of class 'offends' have the part 'picture'" in w for w in plan.warnings)
