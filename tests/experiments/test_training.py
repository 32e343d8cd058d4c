"""The loop that experiments train with: rows of batches, learning rate, the best epoch, AUROC."""

from __future__ import annotations

import pytest
import torch

from alciato.experiments.data.training import Recipe, auroc, batches, learning_rate, seed_torch, train


def test_every_row_once_an_epoch_in_another_order_each_time():
    recipe = Recipe(2, 4, 0.1, seed=3)
    first, second = (torch.cat(list(batches(10, recipe, epoch))).tolist() for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert [len(one) for one in batches(10, recipe, 0)] == [4, 4, 2]
    assert torch.cat(list(batches(10, recipe, 0))).tolist() == first  # the same seed, the same order


def test_an_unshuffled_loader_keeps_the_order_of_the_file():
    recipe = Recipe(2, 4, 0.1, shuffle=False)
    assert [one.tolist() for one in batches(6, recipe, 1)] == [[0, 1, 2, 3], [4, 5]]


def test_the_learning_rate_rises_and_falls():
    recipe = Recipe(1, 1, 1.0, warm_up=0.1, decay_to=0.1)
    rates = [learning_rate(step, 100, recipe) for step in range(101)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert {learning_rate(step, 100, Recipe(1, 1, 0.3)) for step in range(100)} == {0.3}


def fitted(validate=None, epochs=30):
    """A line through four points."""
    seed_torch(0)
    x, y = torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([[1.0], [3.0], [5.0], [7.0]])
    model = torch.nn.Linear(1, 1)

    def loss(rows):
        return (model(x[rows]) - y[rows]).square().mean()

    def closeness():
        return -(model(x) - y).square().mean().item()

    return train(model, loss, 4, validate or closeness, Recipe(epochs, 2, 0.3, seed=1)), closeness


def test_it_minimises_the_loss():
    model, closeness = fitted(epochs=200)
    assert closeness() > -0.01
    assert model.weight.item() == pytest.approx(2.0, abs=0.1)
    assert not model.training


def test_the_epoch_that_validates_best_is_kept():
    seen = []

    def validate():
        seen.append(len(seen))
        return 1.0 if len(seen) == 3 else 0.0

    stopped, _ = fitted(validate, epochs=10)
    three, _ = fitted(epochs=3)
    assert torch.equal(stopped.weight, three.weight)
    assert len(seen) == 10


def test_the_same_seed_trains_the_same_model():
    assert torch.equal(fitted()[0].weight, fitted()[0].weight)


def test_auroc_of_two_and_of_several_classes():
    from sklearn.metrics import roc_auc_score

    generator = torch.Generator().manual_seed(0)
    scores, labels = torch.randn(60, 2, generator=generator), torch.randint(0, 2, (60,), generator=generator)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores.softmax(-1)[:, 1]))
    scores, labels = torch.randn(60, 3, generator=generator), torch.randint(0, 3, (60,), generator=generator)
    by_class = [roc_auc_score(labels == number, scores.double().softmax(-1)[:, number]) for number in range(3)]
    assert auroc(labels, scores) == pytest.approx(sum(by_class) / 3)
    perfect = torch.nn.functional.one_hot(labels, 3) * 5.0
    assert auroc(labels, perfect) == 1.0
    assert auroc(labels, torch.zeros(60, 3)) == 0.5
