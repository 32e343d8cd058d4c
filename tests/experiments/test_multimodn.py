"""MultiModN's experiment on a small table: what each variant sees, and laws that hold whatever is learned."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch

from alciato.experiments.data.blocks import table_blocks
from alciato.experiments.data.training import Recipe, batches
from alciato.experiments.systems import multimodn
from alciato.experiments.systems.multimodn import BASELINE, EXPERIMENT, RELEASED, SHARE, VARIANTS, Spec
from alciato.nets.modular import ModularConfig, ModularJudge, modular_loss


@pytest.fixture(scope="module")
def measured():
    """Metrics of every variant on breast cancer after one epoch."""
    return {name: multimodn.multimodn(1, name, "breast_cancer", epochs=1) for name in VARIANTS}


def test_every_variant_gives_every_metric(measured):
    names = {frozenset(metrics) for metrics in measured.values()}
    assert len(names) == 1
    for metrics in measured.values():
        assert metrics["drop"] == pytest.approx(metrics["auroc full"] - metrics["auroc flipped"])
        assert all(0 <= value <= 1 for name, value in metrics.items() if name != "drop")


def test_what_never_sees_the_module_loses_nothing(measured):
    found = measured["without the module"]
    assert found["drop"] == 0.0
    assert found["auroc flipped"] == found["auroc module gone"] == found["auroc all present"]
    assert found["module trained in"] == 0.0


def test_presence_alone_tells_nothing_when_all_is_there_and_the_opposite_when_flipped(measured):
    found = measured["presence alone"]
    assert found["auroc all present"] == found["auroc full"] == found["auroc module gone"] == 0.5
    assert found["auroc flipped"] == pytest.approx(0.1, abs=0.02)  # 80 % of class 0 look like class 1: 0.2 / 2


def test_samples_are_judged_alone_where_steps_are_skipped_by_sample(measured):
    for name, spec in VARIANTS.items():
        if spec.skip == "sample":
            assert measured[name]["auroc flipped"] == measured[name]["auroc flipped, one by one"]


def test_a_module_is_trained_where_its_batches_are_complete(measured):
    """Unshuffled, 80 % of class 1 stand in the first 80 % of the file; shuffled, no batch of 32 is complete."""
    assert 0.1 < measured[RELEASED]["module trained in"] < 0.4
    assert measured["modular, whole batch"]["module trained in"] < 0.1
    assert measured["modular"]["module trained in"] == 1.0
    assert measured[BASELINE]["module trained in"] == 1.0


def test_the_same_seed_gives_the_same_figures(measured):
    for name in (RELEASED, "modular", "fusion dropout"):
        assert multimodn.multimodn(1, name, "breast_cancer", epochs=1) == measured[name]
        assert multimodn.multimodn(2, name, "breast_cancer", epochs=1) != measured[name]


def differing(one: str, other: str) -> set[str]:
    first, second = asdict(VARIANTS[one]), asdict(VARIANTS[other])
    return {name for name, value in first.items() if second[name] != value}


@pytest.mark.parametrize(
    ("one", "other", "respect"),
    [
        (RELEASED, "modular, whole batch, unshuffled data", "net"),
        ("modular, whole batch, unshuffled data", "modular, whole batch", "shuffled_data"),
        ("modular, whole batch", "modular, fixed order", "skip"),
        ("modular, fixed order", "modular", "shuffled_steps"),
        (BASELINE, "fusion zeros, unshuffled data", "net"),
        ("modular, whole batch, unshuffled data", "fusion, whole batch, unshuffled data", "net"),
        ("fusion, whole batch, unshuffled data", "fusion zeros, unshuffled data", "skip"),
        ("fusion zeros, unshuffled data", "fusion zeros", "shuffled_data"),
        ("fusion zeros", "fusion mask", "mask"),
        ("fusion zeros", "fusion dropout", "lose"),
        ("fusion zeros", "without the module", "ignores_module"),
    ],
)
def test_neighbouring_variants_differ_in_one_respect(one, other, respect):
    assert differing(one, other) == {respect}


def test_the_verdict_names_the_released_procedure():
    assert VARIANTS[RELEASED] == Spec("released", skip="batch", shuffled_data=False)
    assert EXPERIMENT.primary.variant == RELEASED
    assert EXPERIMENT.primary.than == BASELINE == EXPERIMENT.premise.variant
    assert VARIANTS[BASELINE] == Spec("released fusion", shuffled_data=False)


@pytest.mark.parametrize("name", [RELEASED, BASELINE])
def test_released_nets_are_scored_by_the_share_of_the_output_of_class_1(name):
    """As `MultiModN.test` of the repository: outputs are divided by their sum."""
    divided = table_blocks("breast_cancer", 0)
    run = multimodn._Run(divided, VARIANTS[name], 0.0, 0, 1, 32)
    some = divided.test.rows(torch.arange(8))
    outputs = run._steps(some).logits["label"][:, -1].double()
    assert torch.allclose(run._scores(some).softmax(-1), outputs / outputs.sum(-1, keepdim=True))
    assert run._validated(some) > run.auroc(some)  # balanced accuracy is added


def test_a_step_of_an_incomplete_batch_is_taken_by_nobody():
    divided = table_blocks("breast_cancer", 0)
    run = multimodn._Run(divided, VARIANTS["modular, whole batch"], SHARE, 0, 1, 32)
    batch = divided.train.lacking("b", "label", 1, 1.0).rows(torch.arange(16))
    assert not batch.present["b"].all()
    assert not run._steps(batch).taken[:, 2].any()
    complete = divided.train.rows(torch.arange(16))
    assert run._steps(complete).taken.all()


def test_skipping_by_sample_equals_a_model_without_the_step():
    """Case 3 of the page: skipping a module must equal leaving it out of the order."""
    torch.manual_seed(3)
    judge = ModularJudge(ModularConfig(modules={"a": 3, "b": 4}, tasks={"label": 2})).eval()
    inputs = {"a": torch.randn(5, 3), "b": torch.randn(5, 4)}
    there, gone = torch.ones(5, dtype=torch.bool), torch.zeros(5, dtype=torch.bool)
    skipped = judge(inputs, {"a": there, "b": gone}).logits["label"][:, -1]
    left_out = judge(inputs, {"a": there, "b": there}, ["a"]).logits["label"][:, -1]
    assert torch.equal(skipped, left_out)
    steps = judge(inputs, {"a": there, "b": gone})
    labels = {"label": torch.tensor([0, 1, 0, 1, 1])}
    assert torch.allclose(
        modular_loss(steps, labels), modular_loss(judge(inputs, {"a": there, "b": there}, ["a"]), labels)
    )


def test_a_random_batch_is_hardly_ever_complete():
    """At 80 % of class 1 missing a batch of 32 is complete with a probability far under 1 %."""
    divided = table_blocks("digits", 0)
    there = divided.train.lacking("b", "label", 1, SHARE).present["b"]
    complete = [
        bool(there[chosen].all())
        for epoch in range(20)
        for chosen in batches(len(there), Recipe(20, 32, 1e-3, seed=1), epoch)
    ]
    assert sum(complete) / len(complete) < 0.01
