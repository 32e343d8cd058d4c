"""MultiModN: the page's worked cases, and the law that a step not taken is as if there were no such module."""

import pytest
import torch
from torch import nn

from alciato.errors import UsageError
from alciato.nets.modular import (
    ModularConfig,
    ModularJudge,
    ModularOutput,
    change_penalty,
    contributions,
    final_logits,
    modular_loss,
)


@pytest.fixture
def judge() -> ModularJudge:
    torch.manual_seed(3)
    config = ModularConfig(modules={"text": 5, "image": 4, "table": 3}, tasks={"offends": 2, "target": 3}, dropout=0.0)
    return ModularJudge(config).eval()


@pytest.fixture
def batch() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(5)
    inputs = {n: torch.randn(6, w, generator=generator) for n, w in (("text", 5), ("image", 4), ("table", 3))}
    present = {n: torch.rand(6, generator=generator) > 0.4 for n in inputs}
    return inputs, present


class Worked(nn.Module):
    """Worked case 3 of the page: state of size 1, `factor * s + x`."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, state, values):
        return self.factor * state + values


class Sigmoid(nn.Module):
    """Logits (0, s): the probability of class 1 is sigmoid(s)."""

    def forward(self, states):
        return torch.cat([torch.zeros_like(states), states], -1)


@pytest.mark.parametrize(
    ("order", "present", "expected"),
    [
        (("a", "b"), (True, True), (0.5, 0.73106, 0.73106)),
        (("b", "a"), (True, True), (0.5, 0.26894, 0.5)),
        (("a", "b"), (True, False), (0.5, 0.73106, 0.73106)),
    ],
)
def test_worked_case_3_of_the_page(order, present, expected):
    judge = ModularJudge(ModularConfig(modules={"a": 1, "b": 1}, tasks={"t": 2}, state=1))
    judge.start.data.zero_()
    judge.steps = nn.ModuleDict({"a": Worked(1.0), "b": Worked(2.0)})
    judge.decoders = nn.ModuleDict({"t": Sigmoid()})
    inputs = {"a": torch.tensor([[1.0]]), "b": torch.tensor([[-1.0]])}
    there = {name: torch.tensor([value]) for name, value in zip(("a", "b"), present, strict=True)}
    logits = judge(inputs, there, order).logits["t"]
    probabilities = logits.softmax(-1)[0, :, 1]
    assert probabilities.tolist() == pytest.approx(expected, abs=1e-5)
    moved = contributions(logits)[0, :, 1].tolist()
    assert moved == pytest.approx([expected[1] - expected[0], expected[2] - expected[1]], abs=1e-5)


def with_losses(losses: list[float], taken: list[bool]) -> ModularOutput:
    """Steps of one sample whose cross-entropies for class 0 are the given ones."""
    probabilities = torch.tensor(losses).neg().exp()
    logits = torch.stack([probabilities.log(), (1 - probabilities).log()], -1)[None]
    return ModularOutput(torch.zeros(1, len(losses), 2), torch.tensor([taken]), {"t": logits})


def test_worked_case_1_of_the_page():
    label = {"t": torch.tensor([0])}
    whole = modular_loss(with_losses([0.7, 0.5, 0.2], [True, True, True]), label)
    skipped = modular_loss(with_losses([0.7, 0.5, 0.2], [True, True, False]), label)
    assert (whole.item(), skipped.item()) == pytest.approx((0.46667, 0.6), abs=1e-5)


def test_worked_case_2_of_the_page():
    states = torch.tensor([[[0.0, 0.0], [1.0, 1.0], [1.0, 3.0]]])
    steps = ModularOutput(states, torch.ones(1, 3, dtype=torch.bool), {})
    assert change_penalty(steps).item() == pytest.approx(1.5)
    assert 0.01 * change_penalty(steps).item() == pytest.approx(0.015)  # the page's weight


def test_a_step_not_taken_is_as_if_there_were_no_such_module(judge, batch):
    inputs, present = batch
    absent = {**present, "image": torch.zeros(6, dtype=torch.bool)}
    without = judge(inputs, absent, ["text", "table"])
    skipped = judge(inputs, absent)
    for task in ("offends", "target"):
        assert torch.equal(final_logits(skipped.logits[task]), final_logits(without.logits[task]))
        assert contributions(skipped.logits[task])[:, 1].abs().max() == 0


def test_what_stands_there_for_a_missing_modality_changes_nothing(judge, batch):
    inputs, present = batch
    garbage = {n: torch.where(present[n][:, None], x, torch.full_like(x, torch.nan)) for n, x in inputs.items()}
    clean, spoiled = judge(inputs, present), judge(garbage, present)
    assert torch.equal(clean.states, spoiled.states)
    labels = {"offends": torch.tensor([0, 1, 0, 1, 1, 0]), "target": torch.tensor([2, 1, 0, 0, -1, -1])}
    modular_loss(spoiled, labels, change_weight=0.1).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in judge.parameters())


def test_a_post_alone_is_judged_as_in_a_batch(judge, batch):
    inputs, present = batch
    together = judge(inputs, present)
    for row in range(6):
        alone = judge(
            {n: x[row : row + 1] for n, x in inputs.items()}, {n: x[row : row + 1] for n, x in present.items()}
        )
        assert torch.allclose(alone.states[0], together.states[row], atol=1e-6)


def test_the_released_rule_skips_for_the_whole_batch(batch):
    inputs, present = batch
    config = ModularConfig(modules={"text": 5, "image": 4, "table": 3}, tasks={"t": 2}, whole_batch=True)
    taken = ModularJudge(config)(inputs, {**present, "text": torch.ones(6, dtype=torch.bool)}).taken
    assert taken[:, :2].all()
    assert not taken[:, 2:].any()


def test_labels_below_zero_do_not_count(judge, batch):
    inputs, present = batch
    steps = judge(inputs, present)
    labels = {"offends": torch.tensor([0, 1, 0, 1, 1, 0]), "target": torch.full((6,), -1)}
    only = ModularOutput(steps.states, steps.taken, {"offends": steps.logits["offends"]})
    assert torch.allclose(modular_loss(steps, labels), modular_loss(only, labels))


def test_an_unknown_module_is_named(judge, batch):
    with pytest.raises(UsageError, match="Did you mean 'image'"):
        judge(*batch, ["imgae"])
