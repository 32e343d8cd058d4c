"""`alciato learn judge --strategy modular`: taught on composed posts, used as a strategy, step by step."""

from pathlib import Path

import pytest

from alciato import world
from alciato.errors import AlciatoError, UsageError
from alciato.item import Item, Post, Text
from alciato.judge import judge
from alciato.judge.strategies.modular import TrainedModular, policy_of
from alciato.learn.examples import examples_of
from alciato.learn.training import first_batch, prepare, train
from alciato.models import Runtime
from alciato.nets.modular_posts import slug
from alciato.settings import load_settings
from alciato.store import Collection

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
