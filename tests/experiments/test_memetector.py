"""MemeTector's experiment: variants differ in one respect, trivial baselines, held-out photographs."""

from __future__ import annotations

import pytest

from alciato import world
from alciato.experiments.data import memes
from alciato.experiments.systems.memetector import BASELINE, CLAIMED, EXPERIMENT, TRIVIAL, VARIANTS, memetector
from alciato.world.photographs import PHOTOGRAPHS


def differing(one: str, other: str) -> set[str]:
    return {name for name, value in VARIANTS[one]._asdict().items() if VARIANTS[other]._asdict()[name] != value}


def test_attention_and_visual_parts_are_told_apart():
    assert differing(CLAIMED, BASELINE) == {"vpu"}
    assert differing("ViT 1/3, 1", "ViT 0, 1") == {"vpu"}
    assert differing(CLAIMED, "ViT 1/3, 1") == {"score"}
    assert differing(BASELINE, "ViT 0, 1") == {"score"}
    assert differing(CLAIMED, "ViTa 1/3, 1, as published") == {"score"}


def test_one_comparison_decides():
    assert (EXPERIMENT.primary.variant, EXPERIMENT.primary.than, EXPERIMENT.primary.metric) == (
        CLAIMED,
        BASELINE,
        "worst",
    )
    assert EXPERIMENT.premise.variant == BASELINE
    assert set(EXPERIMENT.variants) == {*VARIANTS, *TRIVIAL}


def test_each_photograph_is_held_out_by_one_seed():
    held = [set(PHOTOGRAPHS.of("test", seed % memes.FOLDS)) for seed in range(EXPERIMENT.seeds)]
    assert sum(map(len, held)) == len(set.union(*held)) == len(PHOTOGRAPHS.members) == 19
    told = {name for seed in range(2) for name in grounds(seed)}
    assert told <= held[0] | held[1]


def grounds(seed: int) -> set[str]:
    """Photographs behind the test pictures of a seed."""
    posts = world.make("plain", 30, seed=seed + 20_000, split="test", size=48, fold=seed % memes.FOLDS)
    return {post.truth.ground.name for post in posts}


@pytest.mark.parametrize("variant", TRIVIAL)
def test_trivial_baselines_give_the_same_metrics(variant):
    found = memetector(0, variant, "macros", posts=24, tests=8)
    assert {"mean", "worst", "macros found", "lost on parts", *memes.TESTS} <= set(found)
    assert found["worst"] == min(found[name] for name in memes.TESTS)
    assert found["mean"] == pytest.approx(sum(found[name] for name in memes.TESTS) / 3)
    assert found["lost on parts"] == pytest.approx(found["without words"] - found["visual parts"])
    assert found == memetector(0, variant, "macros", posts=24, tests=8)


@pytest.mark.slow
def test_a_net_is_trained_the_same_under_the_same_seed():
    one, again = (memetector(0, CLAIMED, "macros", posts=24, tests=8, epochs=1) for _ in range(2))
    assert one == again
    assert 0 < one["heat on words"] < 1
    assert 0.05 < one["area of words"] < 0.4
