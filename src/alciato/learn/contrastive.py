"""InfoNCE with in-batch negatives over any encoder, with GradCache: large batches in bounded memory.

Source: InfoNCE, arXiv 1807.03748; in-batch negatives as in DPR, arXiv 2004.04906; GradCache, arXiv 2101.06983.
s_ij = <q_i, c_j> / temperature over all candidates c of the step: documents of all examples, then all hard negatives.
loss = -1/n * sum_i log softmax_j(s_ij)[i], over the candidates j that are not excluded. A document j != i is excluded
where it belongs to the group of example i (a false negative) or, with `margin`, where s_ij > s_ii + margin.
`symmetric` adds the same loss from documents to queries and halves the sum.
GradCache: (1) embed all micro-batches without a graph; (2) compute the loss of the whole step on these embeddings and
its gradient with respect to them; (3) embed each micro-batch again, with the same random numbers, and back-propagate
sum(embedding * gradient). The gradient equals that of the whole batch; memory is that of one micro-batch.
Shapes: queries, documents (n, dim); negatives (n, k, dim); groups (n,) int64, below 0: no group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from alciato.errors import UsageError
from alciato.learn.batches import Batch
from alciato.learn.objectives import CoupledObjective, Embedded


class PairEncoder(nn.Module):
    """Encodes both sides of pairs for `InBatchNegatives`.

    Args:
        queries: maps `batch["queries"]` to vectors (n, dim).
        documents: maps `batch["documents"]` to vectors (n, dim); None: the same encoder.

    A batch may have `negatives`, which are documents of shape (n * k, …), k for each example in order, and `groups`.
    """

    def __init__(self, queries: nn.Module, documents: nn.Module | None = None) -> None:
        super().__init__()
        self.queries = queries
        self.documents = documents if documents is not None else queries

    def forward(self, batch: Batch) -> Embedded:
        """Encode a batch, vectors not normalised."""
        embedded: Embedded = {
            "queries": self.queries(batch["queries"]),
            "documents": self.documents(batch["documents"]),
        }
        if "negatives" in batch:
            negatives: Tensor = self.documents(batch["negatives"])
            embedded["negatives"] = negatives.unflatten(0, (len(embedded["queries"]), -1))  # (n, k, dim)
        return embedded


@dataclass(frozen=True)
class InBatchNegatives(CoupledObjective):
    """InfoNCE; every document of the step is a negative of all other queries. The model is a `PairEncoder`, or alike.

    Metrics: `loss` and, over all held-out examples as candidates, `accuracy` (recall at 1), `recall_at_10`, `mrr`.

    Args:
        temperature: divides the similarities.
        normalise: cosine similarity instead of the dot product.
        symmetric: add the loss from documents to queries.
        margin: exclude documents whose similarity exceeds that of the positive by more than this, before the division
            by the temperature, as false negatives (NV-Retriever, arXiv 2407.15831); None: none is excluded.
    """

    temperature: float = 0.05
    normalise: bool = True
    symmetric: bool = False
    margin: float | None = None

    def embed(self, model: nn.Module, batch: Batch) -> Embedded:
        """Embeddings of both sides, and the groups of the examples."""
        embedded: Embedded = dict(model(batch))
        if "groups" in batch:
            embedded["groups"] = batch["groups"]
        return embedded

    def loss(self, embedded: Embedded) -> Tensor:
        """InfoNCE of all examples of a step, shape ()."""
        similarity, excluded = self._similarity(embedded)
        target = torch.arange(len(similarity), device=similarity.device)
        logits = (similarity / self.temperature).masked_fill(excluded, -torch.inf)
        loss = functional.cross_entropy(logits, target)
        if not self.symmetric:
            return loss
        count = len(similarity)  # hard negatives have no query of their own
        return (loss + functional.cross_entropy(logits[:, :count].T, target)) / 2

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and retrieval metrics with all held-out documents as candidates; documents of the same group count."""
        parts = [self.embed(model, batch) for batch in batches]
        embedded = {name: torch.cat([part[name] for part in parts]).float() for name in parts[0] if name != "groups"}
        if "groups" in parts[0]:
            embedded["groups"] = torch.cat([part["groups"] for part in parts])
        loss = float(self.loss(embedded))
        similarity, _ = self._similarity(embedded)
        right = torch.eye(*similarity.shape, dtype=torch.bool, device=similarity.device) | _same_group(
            embedded, similarity.shape
        )
        best = similarity.masked_fill(~right, -torch.inf).amax(1, keepdim=True)  # (n, 1)
        rank = 1 + (similarity.masked_fill(right, -torch.inf) >= best).sum(1)  # ties count against the encoder
        return {
            "loss": loss,
            "accuracy": float((rank == 1).float().mean()),
            "recall_at_10": float((rank <= 10).float().mean()),
            "mrr": float((1 / rank.float()).mean()),
        }

    def _similarity(self, embedded: Embedded) -> tuple[Tensor, Tensor]:
        """Similarities (n, candidates), and which candidates are excluded as false negatives."""
        queries, documents = embedded["queries"], embedded["documents"]
        if queries.shape != documents.shape:
            raise UsageError(
                f"queries have the shape {tuple(queries.shape)}, documents {tuple(documents.shape)}.",
                remedy="Both encoders must give one vector of the same size for each example.",
            )
        candidates = (
            torch.cat([documents, embedded["negatives"].flatten(0, 1)]) if "negatives" in embedded else documents
        )
        if self.normalise:
            queries, candidates = functional.normalize(queries, dim=-1), functional.normalize(candidates, dim=-1)
        similarity = queries @ candidates.T  # (n, n + n * k)
        excluded = _same_group(embedded, similarity.shape)
        if self.margin is not None:
            excluded = excluded | (similarity > similarity.diagonal()[:, None] + self.margin)
        excluded = excluded & ~torch.eye(*similarity.shape, dtype=torch.bool, device=similarity.device)
        return similarity, excluded


def _same_group(embedded: Embedded, shape: torch.Size) -> Tensor:
    """Which candidates belong to the group of the query, (n, candidates); hard negatives belong to none."""
    found = torch.zeros(shape, dtype=torch.bool, device=embedded["queries"].device)
    if "groups" in embedded:
        groups = embedded["groups"]
        found[:, : len(groups)] = (groups[:, None] == groups[None]) & (groups >= 0)[:, None]
    return found
