"""Laws of every kind: one seed, one post, in any order, process and number of workers; truth is complete and typed."""

import hashlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alciato import world
from alciato.errors import MissingPackage, UsageError
from alciato.item import Box, Item
from alciato.world.packages import package

KINDS = [kind.name for kind in map(world.KINDS.get, world.KINDS)]
QUICK = {"clip": {"speech": False, "seconds": 1.0}}
"""Options that spare a kind its slow part."""


def few(kind, n=6, **options: object):
    return list(world.make(kind, n, **{"seed": 7, **QUICK.get(kind, {}), **options}))


def fingerprint(posts):
    told = [(post.id, post.truth.model_dump_json(), sorted(post.media), post.item.model_dump_json()) for post in posts]
    return hashlib.sha256(repr(told).encode()).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_in_any_order(kind):
    posts = world.make(kind, 7, seed=3, **QUICK.get(kind, {}))
    forward, backward = list(posts), [posts[number] for number in reversed(range(7))]
    assert fingerprint(forward) == fingerprint(reversed(backward))
    assert fingerprint(forward) != fingerprint(few(kind, 7, seed=4))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_another_process():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_posts import KINDS, few, fingerprint\n"
        "print([fingerprint(few(kind, 3)) for kind in KINDS])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        capture_output=True,
        check=True,
        text=True,
        env={
            "PYTHONHASHSEED": "12345",
            "HOME": str(Path.home()),
            "PATH": "",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        },
    )
    assert done.stdout.strip() == repr([fingerprint(few(kind, 3)) for kind in KINDS])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["macro", "confounder"])
def test_any_number_of_workers_draws_the_same(kind):
    alone, together = world.make(kind, 300, seed=1, size=64), world.make(kind, 300, seed=1, size=64, workers=2)
    assert fingerprint(alone) == fingerprint(together)


@pytest.mark.parametrize("kind", KINDS)
def test_items_are_valid_and_truth_comes_back_from_json(kind):
    for post in few(kind):
        assert Item.model_validate_json(post.item.model_dump_json()) == post.item
        assert type(post.truth).model_validate_json(post.truth.model_dump_json()) == post.truth
        assert {part.media for _, part in post.item.media()} == set(post.media)
        assert type(post.truth) is world.KINDS.get(kind).truth


def boxes(value):
    """Every box in a truth, at any depth."""
    if isinstance(value, Box):
        yield value
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from boxes(inner)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**40), size=st.sampled_from([128, 200]))
@settings(max_examples=8, deadline=None)
def test_boxes_lie_inside_the_picture(kind, seed, size):
    sizes = {"inconsistency": size * 2, "screenshot": size}
    for post in few(kind, 4, seed=seed, size=sizes.get(kind, size)):
        pictures = [part for part in post.content if isinstance(part, Image.Image)]
        frames = [part.frames[0] for part in post.content if isinstance(part, world.Clip)]
        width = max((one.width for one in [*pictures, *frames]), default=0)
        height = max((one.height for one in [*pictures, *frames]), default=0)
        for box in boxes([getattr(post.truth, name) for name in type(post.truth).model_fields]):
            assert 0 <= box.left < box.right <= width, post.id
            assert 0 <= box.top < box.bottom <= height, post.id


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_in_every_split(kind):
    for split in world.SPLITS:
        assert len(few(kind, 4, split=split)) == 4
    train, test = few(kind, 4, split="train"), few(kind, 4, split="test")
    assert not {post.id for post in train} & {post.id for post in test}


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'confounder'"):
        world.make("confounders", 3)


def test_an_unknown_option_names_the_known():
    with pytest.raises(UsageError, match=r"option 'colour' of scene.*Known: size"):
        world.make("scene", 3, colour="red")


@pytest.mark.parametrize(
    ("wrong", "said"), [({"split": "dev"}, "train, validation, test"), ({"workers": 0}, "workers is 1")]
)
def test_wrong_values_say_what_is_allowed(wrong, said):
    with pytest.raises(UsageError, match=said):
        world.make("scene", 3, **wrong)


def test_a_taken_name_is_an_error():
    with pytest.raises(UsageError, match="'scene' exists already"):
        world.KINDS.register("scene", world.KINDS.get("scene"))


def test_posts_are_a_sequence():
    posts = world.make("scene", 5, seed=1)
    assert len(posts) == 5
    assert posts[-1].id == posts[4].id == "scene-1-000004"
    assert [post.id for post in posts[1:3]] == ["scene-1-000001", "scene-1-000002"]
    with pytest.raises(IndexError):
        posts[5]


def test_the_page_lists_every_kind():
    tool = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "world_kinds.py"))
    assert tool["PAGE"].read_text("utf-8") == tool["page"](), "run: python tools/world_kinds.py --write"


def test_a_missing_package_names_the_extra():
    with pytest.raises(MissingPackage, match=r'no_such_thing is missing. pip install "alciato\[world\]"'):
        package("no_such_thing", "names")


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("scene", {"kinds": (3, 1)}),
        ("scene", {"size": 5}),
        ("plain", {"words": 1.5}),
        ("scene", {"cue": {"kind": "colour", "rates": {"x": 2}}}),
        ("scene", {"cue": {"kind": "smell", "rates": {}}}),
    ],
)
def test_a_value_that_an_option_does_not_take_is_named(kind, wrong):
    with pytest.raises(UsageError, match=f"option '{next(iter(wrong))}.*' of {kind}"):
        world.make(kind, 3, **wrong)
