"""Trains a small transformer on made-up tokens: what the tests kill, resume, and run in two processes.

python train_script.py FOLDER [SLEEP [DROPOUT [OBJECTIVE]]]; as many processes as torch.distributed.run starts.
"""

import sys
import time
from pathlib import Path

import torch
from torch import nn

from alciato.learn import Classification, InBatchNegatives, Trainer, TrainingConfig, seed_everything
from alciato.nets import TextEncoder, TextEncoderConfig

torch.set_num_threads(1)


class Reader(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        sizes = {"vocabulary": 32, "length": 8, "dim": 16, "depth": 1, "heads": 2, "mlp": 32}
        self.encoder = TextEncoder(TextEncoderConfig(dropout=dropout, **sizes))
        self.head = nn.Linear(16, 2)

    def forward(self, batch):
        return self.head(self.encoder(batch["tokens"], torch.ones_like(batch["tokens"], dtype=torch.bool)).pooled)


def collate(rows, generator):
    tokens = torch.stack(rows)
    return {"tokens": tokens, "labels": (tokens == 7).any(1).long()}


class Pairs(nn.Module):
    """Both halves of the tokens, encoded: the first half is the query of the second."""

    def __init__(self, dropout):
        super().__init__()
        self.reader = Reader(dropout)

    def forward(self, batch):
        halves = (batch["tokens"].repeat(1, 2)[:, start : start + 8] for start in (0, 3))
        tokens = torch.cat(list(halves))
        queries, documents = self.reader.encoder(tokens, torch.ones_like(tokens, dtype=torch.bool)).pooled.chunk(2)
        return {"queries": self.reader.head(queries) + queries[:, :2], "documents": documents[:, :2]}


OBJECTIVES = {
    "classification": (Reader, Classification(("without", "with"))),
    "contrastive": (Pairs, InBatchNegatives(temperature=0.2)),
}


def main(folder, sleep, dropout, name):
    examples = list(torch.randint(5, 12, (50, 8), generator=torch.Generator().manual_seed(0)))
    config = TrainingConfig(epochs=6, batch_size=10, save_every=4, learning_rate=3e-3, device="cpu")
    seed_everything(config.seed)
    trainer = Trainer(config, Path(folder), lambda _: time.sleep(sleep))
    network, objective = OBJECTIVES[name]
    trainer.fit(network(dropout), examples[:41], collate, objective, examples[41:])


if __name__ == "__main__":
    given = dict(zip(("folder", "sleep", "dropout", "name"), sys.argv[1:], strict=False))
    name = given.get("name", "classification")
    main(given["folder"], float(given.get("sleep", 0)), float(given.get("dropout", 0.1)), name)
