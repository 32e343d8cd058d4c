"""InfoNCE with in-batch negatives: the formula, false negatives, and GradCache = the gradient of the whole batch."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from alciato.errors import UsageError  # noqa: E402
from alciato.learn import InBatchNegatives, PairEncoder, Trainer, TrainingConfig, measure, seed_everything  # noqa: E402
from alciato.learn.grad_cache import embedding_gradients, surrogate  # noqa: E402

torch.set_num_threads(1)


def encoder(dropout=0.0):
    torch.manual_seed(2)
    return PairEncoder(nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 5)), nn.Linear(6, 5))


def pairs(count=11, seed=1, negatives=0):
    generator = torch.Generator().manual_seed(seed)
    batch = {
        "queries": torch.randn(count, 6, generator=generator),
        "documents": torch.randn(count, 6, generator=generator),
        "groups": torch.tensor([0, 1, 1, -1, -1, 2, 2, 2, -1, 3, 4])[torch.arange(count) % 11],
    }
    if negatives:
        batch["negatives"] = torch.randn(count * negatives, 6, generator=generator)
    return batch


def rows(batch, places):
    count = len(batch["queries"])
    return {name: value.unflatten(0, (count, -1))[places].flatten(0, 1) for name, value in batch.items()}


def by_loops(objective, embedded):
    """The formula written out, with plain Python numbers."""
    queries, documents = embedded["queries"].double(), embedded["documents"].double()
    extra = embedded["negatives"].double().flatten(0, 1) if "negatives" in embedded else documents[:0]
    groups = embedded["groups"].tolist() if "groups" in embedded else [-1] * len(queries)

    def similarity(one, other):
        return float(one @ other) / (float(one.norm() * other.norm()) if objective.normalise else 1.0)

    def allowed(query, document):
        same = groups[query] == groups[document] >= 0
        far = objective.margin is not None and similarity(queries[query], documents[document]) > (
            similarity(queries[query], documents[query]) + objective.margin
        )
        return query == document or not (same or far)

    def term(right, others):
        return -math.log(math.exp(right) / sum(math.exp(value) for value in others))

    count, scale = len(queries), objective.temperature
    forward, backward = [], []
    for i in range(count):
        right = similarity(queries[i], documents[i])
        candidates = [similarity(queries[i], documents[j]) / scale for j in range(count) if allowed(i, j)]
        for other in extra:
            value = similarity(queries[i], other)
            if objective.margin is None or value <= right + objective.margin:
                candidates.append(value / scale)
        forward.append(term(right / scale, candidates))
        from_queries = [similarity(queries[j], documents[i]) / scale for j in range(count) if allowed(j, i)]
        backward.append(term(right / scale, from_queries))
    mean = sum(forward) / count
    return (mean + sum(backward) / count) / 2 if objective.symmetric else mean


@pytest.mark.parametrize("negatives", [0, 2])
@pytest.mark.parametrize(
    "objective",
    [
        InBatchNegatives(),
        InBatchNegatives(temperature=0.5, normalise=False),
        InBatchNegatives(temperature=0.2, symmetric=True),
        InBatchNegatives(temperature=0.2, symmetric=True, margin=0.1),
    ],
)
def test_it_equals_the_formula_written_as_loops(objective, negatives):
    with torch.no_grad():
        embedded = objective.embed(encoder(), pairs(negatives=negatives))
    assert objective.loss(embedded).item() == pytest.approx(by_loops(objective, embedded), rel=1e-5)


def test_examples_of_a_group_are_no_negatives_of_each_other():
    """Two equal documents of one group cost nothing; without the group each is the other's false negative."""
    vectors = torch.eye(3)[[0, 0, 1]]
    embedded = {"queries": vectors, "documents": vectors.clone()}
    objective = InBatchNegatives(temperature=0.01)
    assert objective.loss(embedded).item() == pytest.approx(2 / 3 * math.log(2), abs=1e-6)
    grouped = {**embedded, "groups": torch.tensor([7, 7, -1])}
    assert objective.loss(grouped).item() == pytest.approx(0, abs=1e-6)
    ungrouped = {**embedded, "groups": torch.tensor([-1, -1, -1])}  # below 0 is no group, not a common one
    assert torch.equal(objective.loss(ungrouped), objective.loss(embedded))


def gradients(model):
    found = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    return found


def cached(objective, model, batch, cut):
    """One GradCache step over micro-batches of the places in `cut`, as the trainer does it."""
    micro_batches = [rows(batch, places) for places in cut]
    parts = []
    for number, one in enumerate(micro_batches):
        torch.manual_seed(number)
        with torch.no_grad():
            parts.append(objective.embed(model, one))
    loss, found = embedding_gradients(objective, parts)
    for number, one in enumerate(micro_batches):
        torch.manual_seed(number)
        surrogate(objective.embed(model, one), found[number]).backward()
    return loss


CUTS = [[[*range(11)]], [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]], [[place] for place in range(11)]]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("negatives", [0, 2])
def test_cached_equals_plain_in_loss_and_gradient(cut, negatives):
    objective, model = InBatchNegatives(temperature=0.1, symmetric=True, margin=0.3), encoder()
    batch = pairs(negatives=negatives)
    plain = objective.loss(objective.embed(model, batch))
    plain.backward()
    expected = gradients(model)
    loss = cached(objective, model, batch, cut)
    assert loss.item() == pytest.approx(plain.item(), rel=1e-5)
    found = gradients(model)
    assert max(value.abs().max() for value in expected.values()) > 1e-3
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)


def test_both_passes_draw_the_same_dropout():
    objective, model = InBatchNegatives(temperature=0.1), encoder(dropout=0.4).train()
    batch, cut = pairs(), CUTS[1]
    parts = []
    for number, places in enumerate(cut):
        torch.manual_seed(number)
        parts.append(objective.embed(model, rows(batch, places)))
    objective.loss({name: torch.cat([part[name] for part in parts]) for name in parts[0]}).backward()
    expected = gradients(model)
    cached(objective, model, batch, cut)
    found = gradients(model)
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)


def collate(examples, generator):
    return {name: torch.stack([one[name] for one in examples]) for name in examples[0]}


def learnable(count=40, seed=1):
    """Documents are a rotation of their queries: an encoder can learn to match them."""
    turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(0))).Q
    queries = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return [{"queries": query, "documents": query @ turn} for query in queries]


def fit(**config):
    config = {"epochs": 12, "batch_size": 16, "learning_rate": 2e-2, "device": "cpu", **config}
    seed_everything(0)
    objective = InBatchNegatives(temperature=0.1)
    return Trainer(TrainingConfig(**config)).fit(encoder(), learnable(), collate, objective, learnable(20, 5))


def test_the_trainer_learns_to_match_and_accumulation_changes_nothing():
    whole, cut = fit(), fit(gradient_accumulation_steps=5)
    assert whole.metrics()["accuracy"] >= 0.8
    losses = [[row.value for row in fitted.rows if row.metric == "loss"] for fitted in (whole, cut)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3, abs=1e-4)
    norms = [[row.value for row in fitted.rows if row.metric == "grad_norm"] for fitted in (whole, cut)]
    assert norms[1] == pytest.approx(norms[0], rel=1e-2, abs=1e-3)


def test_metrics_rank_each_document_among_all():
    class Given(nn.Module):
        def forward(self, batch):
            return {"queries": batch["queries"], "documents": batch["documents"]}

    documents = torch.eye(4)
    queries = torch.tensor([[1, 0, 0, 0], [0.9, 1, 0, 0], [1, 0.5, 0.4, 0], [0.5, 0.5, 0.5, 0.5]])  # ranks 1, 1, 3, 4
    batches = [
        {"queries": queries[:3], "documents": documents[:3]},
        {"queries": queries[3:], "documents": documents[3:]},
    ]
    found = measure(Given(), batches, InBatchNegatives())
    assert found["accuracy"] == 0.5
    assert found["recall_at_10"] == 1.0
    assert found["mrr"] == pytest.approx((1 + 1 + 1 / 3 + 1 / 4) / 4)


def test_encoders_of_different_sizes_are_named():
    model = PairEncoder(nn.Linear(6, 4), nn.Linear(6, 3))
    objective = InBatchNegatives()
    with pytest.raises(UsageError, match=r"queries have the shape \(11, 4\), documents \(11, 3\)"):
        objective.loss(objective.embed(model, pairs()))
