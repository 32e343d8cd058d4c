"""Data of the experiments: splits share nothing, the same seed means the same data, missingness is as declared."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from alciato import world
from alciato.experiments.data import memes
from alciato.experiments.data.blocks import FOLDS, Blocks, phrase_vectors, post_blocks, table_blocks
from alciato.experiments.data.rivals import (
    ParallelFusion,
    ReleasedFusion,
    ReleasedMultiModN,
    fusion_of_size,
    released_loss,
)
from alciato.nets.modular import ModularOutput

TOOL = Path(__file__).parents[2] / "tools" / "phrase_vectors.py"


def few(**present: list[bool]) -> Blocks:
    """Six samples of two modules and one task."""
    there = {name: torch.tensor(bits) for name, bits in present.items()}
    inputs = {name: torch.arange(12.0).reshape(6, 2) for name in there}
    return Blocks(inputs, there, {"label": torch.tensor([0, 1, 1, 0, 1, 1])})


def everything() -> Blocks:
    return few(a=[True] * 6, b=[True] * 6)


def test_a_module_is_missing_for_the_first_of_one_class():
    found = everything().lacking("b", "label", 1, 0.5)
    assert found.present["b"].tolist() == [True, False, False, True, True, True]
    assert found.present["a"].all()
    assert everything().lacking("b", "label", 0, 1.0).present["b"].tolist() == [False, True, True, False, True, True]
    assert everything().lacking("b", "label", 1, 0.0).present["b"].all()


def test_taking_away_changes_no_other_blocks():
    whole = everything()
    whole.lacking("b", "label", 1, 1.0)
    assert whole.present["b"].all()
    assert not whole.without("a").present["a"].any()
    rows = whole.rows(torch.tensor([2, 0]))
    assert len(rows) == 2
    assert rows.targets["label"].tolist() == [1, 0]
    assert rows.inputs["a"].tolist() == [[4.0, 5.0], [0.0, 1.0]]


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_the_folds_of_a_table_test_every_row_once(name):
    folds = [table_blocks(name, seed) for seed in range(FOLDS)]
    counts = [len(one.test) for one in folds]
    assert sum(counts) == {"digits": 1797, "breast_cancer": 569}[name]
    assert max(counts) - min(counts) <= 1
    for one in folds:
        assert len(one.train) + len(one.validation) + len(one.test) == sum(counts)
        share = one.test.targets["label"].float().mean()
        assert abs(share - one.train.targets["label"].float().mean()) < 0.02  # stratified


def test_columns_of_a_table_are_cut_into_three_blocks_scaled_by_training():
    divided = table_blocks("digits", 0)
    assert [value.shape[1] for value in divided.train.inputs.values()] == [22, 21, 21]
    varying = torch.cat(list(divided.train.inputs.values()), 1)
    std = varying.std(0)
    assert varying.mean(0).abs().max() < 1e-4
    assert ((std - 1).abs() < 0.01).sum() > 50  # constant columns stay 0
    assert (divided.module, divided.task) == ("b", "label")


def test_the_same_seed_means_the_same_data_and_another_repetition_another_division():
    one, again, other = (table_blocks("digits", seed) for seed in (1, 1, 6))
    assert torch.equal(one.test.inputs["a"], again.test.inputs["a"])
    assert one.test.inputs["a"].shape != other.test.inputs["a"].shape or not torch.equal(
        one.test.inputs["a"], other.test.inputs["a"]
    )


def test_posts_of_the_splits_share_no_text():
    divided = post_blocks(40, 3)
    texts = [
        {tuple(row) for name in ("words", "remark") for row in torch.round(part.inputs[name], decimals=3).tolist()}
        for part in (divided.train, divided.validation, divided.test)
    ]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert len(texts[2]) > 4
    assert [len(part) for part in (divided.train, divided.validation, divided.test)] == [40, 10, 20]
    assert list(divided.train.inputs) == ["words", "picture", "account", "remark"]
    assert set(divided.train.targets) == {"offends", "target"}
    assert divided.module == "picture"


def test_labels_of_posts_are_the_truth_and_no_input_is_the_label():
    divided = post_blocks(60, 2)
    posts = list(world.make("target", 60, seed=2, split="train", fold=2, size=64))
    assert divided.train.targets["offends"].tolist() == [int(post.truth.offends) for post in posts]
    assert divided.train.inputs["account"].shape == (60, 6)
    for values in divided.train.inputs.values():
        for column in values.T:
            same = torch.unique(torch.stack([column, divided.train.targets["offends"].float()]), dim=1)
            assert same.shape[1] > 2  # no column repeats the label


def test_the_kept_vectors_are_of_all_phrases():
    tool = runpy.run_path(str(TOOL))
    assert set(tool["phrases"]()) == set(phrase_vectors())
    assert all(abs(np.linalg.norm(vector) - 1) < 0.01 for vector in phrase_vectors().values())


@pytest.mark.slow
def test_the_kept_vectors_are_what_the_encoder_gives():
    tool = runpy.run_path(str(TOOL))
    some = tool["phrases"]()[::9]
    for phrase, vector in zip(some, tool["encoded"](some), strict=True):
        assert vector @ phrase_vectors()[phrase] > 0.999


WIDTHS, TASKS = {"a": 3, "b": 4}, {"label": 2}


def batch(missing: str | None = None) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    inputs = {name: torch.randn(5, width) for name, width in WIDTHS.items()}
    return inputs, {name: torch.full((5,), name != missing) for name in WIDTHS}


BUILDS = [
    lambda: ParallelFusion(WIDTHS, TASKS, 8),
    lambda: ReleasedMultiModN(WIDTHS, TASKS),
    lambda: ReleasedFusion(WIDTHS, TASKS),
]


@pytest.mark.parametrize("build", BUILDS)
def test_what_stands_in_a_missing_module_is_not_read(build):
    torch.manual_seed(1)
    model = build().eval()
    inputs, present = batch(missing="b")
    before = model(inputs, present).logits["label"][:, -1]
    inputs["b"] = torch.full((5, 4), 1e3)
    assert torch.equal(model(inputs, present).logits["label"][:, -1], before)
    assert not torch.equal(model(inputs, batch()[1]).logits["label"][:, -1], before)


def test_fusion_knows_the_mask_only_where_it_is_told():
    inputs, present = batch(missing="b")
    inputs["b"] = torch.zeros(5, 4)
    for mask in (False, True):
        torch.manual_seed(1)
        model = ParallelFusion(WIDTHS, TASKS, 8, mask=mask).eval()
        same = torch.equal(model(inputs, present).logits["label"], model(inputs, batch()[1]).logits["label"])
        assert same is not mask


def test_an_ignored_module_is_never_seen():
    torch.manual_seed(1)
    model = ParallelFusion(WIDTHS, TASKS, 8, ignored="b").eval()
    inputs, present = batch()
    before = model(inputs, present).logits["label"]
    inputs["b"] = inputs["b"] + 5
    assert torch.equal(model(inputs, present).logits["label"], before)
    inputs["a"] = inputs["a"] + 5
    assert not torch.equal(model(inputs, present).logits["label"], before)


def test_modality_dropout_hides_in_training_only():
    torch.manual_seed(1)
    model = ParallelFusion(WIDTHS, TASKS, 8, lose=1.0)
    inputs, present = batch()
    model.body[0].p = 0.0
    hidden = model.train()(inputs, present).logits["label"]
    assert torch.equal(
        hidden, model(inputs, {name: torch.zeros_like(bits) for name, bits in present.items()}).logits["label"]
    )
    assert not torch.equal(model.eval()(inputs, present).logits["label"], hidden)


@pytest.mark.parametrize("weights", [2_000, 20_000])
def test_fusion_of_a_size_has_about_so_many_weights(weights):
    model = fusion_of_size(WIDTHS, TASKS, weights, mask=True)
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(weights, rel=0.1)
    assert model.mask


def test_released_states_are_never_negative_and_outputs_are_probabilities():
    torch.manual_seed(2)
    steps = ReleasedMultiModN(WIDTHS, TASKS).eval()(*batch())
    assert steps.states.shape == (5, 3, 50)
    assert (steps.states[:, 1:] >= 0).all()
    assert ((steps.logits["label"] > 0) & (steps.logits["label"] < 1)).all()


def test_the_released_encoder_drops_a_fifth_of_its_inputs_and_nothing_else():
    """`MIMIC_MLPEncoder` of the repository: one dropout, before the first layer; ReLU after all three."""
    torch.manual_seed(2)
    encoder = ReleasedMultiModN(WIDTHS, TASKS).encoders["a"].train()
    nothing, some = torch.zeros(4, 3 + 50), torch.ones(4, 3 + 50)
    assert torch.equal(encoder(nothing), encoder(nothing))  # the hidden layers are not dropped
    assert not torch.equal(encoder(some), encoder(some))
    first, second, third = (part for part in encoder if isinstance(part, torch.nn.Linear))
    expected = third(second(first(some).relu()).relu()).relu()
    assert torch.allclose(encoder.eval()(some), expected)
    dropped = [part for part in encoder if isinstance(part, torch.nn.Dropout)]
    assert [part.p for part in dropped] == [0.2]


def test_the_released_fusion_is_two_layers_of_32_without_dropout():
    """`HAIMDecoder` of the repository: a sigmoid for each class, zeros for what is missing."""
    torch.manual_seed(2)
    model = ReleasedFusion(WIDTHS, TASKS).train()
    inputs, present = batch(missing="b")
    steps = model(inputs, present)
    assert torch.equal(steps.logits["label"], model(inputs, present).logits["label"])
    layers = [part for part in model.decoders["label"] if isinstance(part, torch.nn.Linear)]
    assert [layer.out_features for layer in layers] == [32, 32, 2]
    filled = torch.cat([inputs["a"], torch.zeros(5, 4)], -1)
    expected = layers[2](layers[1](layers[0](filled).relu()).relu()).sigmoid()
    assert torch.allclose(steps.logits["label"][:, -1], expected)
    assert steps.taken.all()


def test_worked_case_of_the_released_loss():
    """Outputs (1, 0) with label 0: cross-entropy of two sigmoid outputs, at best 0.31326; a skipped step adds 0."""
    outputs = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    taken = torch.tensor([[True, True, False]])
    steps = ModularOutput(torch.zeros(1, 3, 1), taken, {"label": outputs})
    assert float(released_loss(steps, {"label": torch.tensor([0])})) == pytest.approx(2 * 0.3132617 / 3, abs=1e-6)
    assert float(released_loss(steps, {"label": torch.tensor([1])})) == pytest.approx(2 * 1.3132617 / 3, abs=1e-6)


def written(post):
    """The phrases on a macro, above and below, each in one piece."""
    roles = {line.role for line in post.truth.lines}
    return {" ".join(line.text for line in post.truth.lines if line.role == role) for role in roles}


@pytest.mark.slow
def test_macros_and_plain_pictures_of_two_splits_share_no_photograph_and_no_phrase():
    for fold in range(2):
        grounds, phrases = [], []
        for split in world.SPLITS:
            plain = world.make("plain", 60, seed=1, split=split, size=96, fold=fold)
            macros = world.make("macro", 60, seed=1, split=split, size=96, fold=fold)
            grounds.append({post.truth.ground.name for post in [*plain, *macros]})
            phrases.append({phrase for post in macros for phrase in written(post)})
        for held in (grounds, phrases):
            assert not held[0] & held[1]
            assert not held[0] & held[2]


def test_the_mixture_has_two_classes_of_one_size():
    material = memes._material(5, "train", 30)
    pictures, labels = memes._examples(material, 1 / 3, 1.0, 5)
    assert len(pictures) == len(labels) == 60
    assert labels.tolist() == [memes.MACRO] * 30 + [memes.PLAIN] * 30
    assert torch.equal(pictures[:30], material.macros.pictures)


def test_accuracy_is_balanced_over_macros_and_each_source():
    """A judge that calls everything a macro finds all macros and no plain picture: 0.5 everywhere."""
    material, backgrounds = memes._material(5, "test", 12), memes._backgrounds(5, 12)
    found = memes._metrics(lambda pictures: 1.0, material, backgrounds)
    assert {found[name] for name in ("mean", "worst", *memes.TESTS, "backgrounds")} == {0.5}
    assert found["macros found"] == 1.0
    oracle = memes._metrics(
        lambda pictures: float(pictures is material.macros.pictures or torch.equal(pictures, material.macros.pictures)),
        material,
        backgrounds,
    )
    assert oracle["worst"] == 1.0
    assert oracle["lost on parts"] == 0.0


def test_covered_patches_add_up_to_the_area_of_the_words():
    mask = memes._coverage([(0, 0, 48, 96)], 8)
    assert mask.mean() == pytest.approx(0.5)
    assert (mask[:, :4] == 1).all()
    assert (mask[:, 4:] == 0).all()


def test_trivial_features_know_size_and_brightness_only():
    pictures = torch.stack([torch.full((3, 96, 96), -1.0), torch.full((3, 96, 96), 1.0), torch.rand(3, 96, 96) * 2 - 1])
    sizes, statistics = memes._file_sizes(pictures), memes._pixel_statistics(pictures)
    assert sizes[2] > 10 * sizes[0]
    assert statistics.shape == (3, 8)
    assert statistics[0].tolist() == [0.0] * 6 + [0.0, 1.0]
    assert statistics[1].tolist() == [255.0] * 3 + [0.0] * 3 + [1.0, 0.0]
