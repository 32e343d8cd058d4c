"""Samples of several modalities as arrays, with what is there told apart: composed posts, and tables cut into blocks.

Posts: kind `target` of the world. Whether a post offends is told by its words and its spoken remark, who is the target
by its picture; the table of the account is a hint. Texts are vectors of the packaged encoder, kept in a file
(`tools/phrase_vectors.py` makes it). Tables: breast cancer and digits of scikit-learn, their columns cut into three
blocks, each a "modality". Fold of a seed: seed modulo 5; over five seeds each phrase, and each row of a table, is in
the test part exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from alciato.world import Split, WorldPost

Array = NDArray[np.float32]
FOLDS = 5
THUMBNAIL = 12
"""Side of the thumbnail that stands for the picture: 12 x 12 x 3 values, so that no trained encoder takes part."""
TARGETS = ("individual", "organisation", "community", "society")
VECTORS = "phrase_vectors.npz"


@dataclass(frozen=True)
class Blocks:
    """Samples: inputs by module (n, width), which are there (n,), labels by task (n,)."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def rows(self, chosen: Tensor) -> Blocks:
        """Give some of the samples."""
        return Blocks(*({name: v[chosen] for name, v in c.items()} for c in (self.inputs, self.present, self.targets)))

    def lacking(self, module: str, task: str, label: int, share: float) -> Blocks:
        """Take a module away from the first samples of one class, a share of them: missing not at random.

        The first in the order of the file, as the released code has it; where the order is shuffled it is as good as
        random.
        """
        of_class = (self.targets[task] == label).nonzero().squeeze(-1)
        there = self.present[module].clone()
        there[of_class[: round(share * len(of_class))]] = False
        return replace(self, present={**self.present, module: there})

    def without(self, module: str) -> Blocks:
        """Take a module away from all samples."""
        return replace(self, present={**self.present, module: torch.zeros_like(self.present[module])})


class Divided(NamedTuple):
    """The blocks of a data set by split, the module that goes missing, and the task whose class it tells."""

    train: Blocks
    validation: Blocks
    test: Blocks
    module: str
    task: str


def post_blocks(posts: int, seed: int) -> Divided:
    """Compose posts; modules words, picture, account, remark; tasks offends, target. The picture goes missing."""
    from alciato import world

    counts: dict[Split, int] = {"train": posts, "validation": posts // 4, "test": posts // 2}
    found = {}
    for split, count in counts.items():
        found[split] = _post_blocks(
            list(world.make("target", count, seed=seed, split=split, fold=seed % FOLDS, size=64))
        )
    scaled = standardised(found)
    return Divided(scaled["train"], scaled["validation"], scaled["test"], "picture", "offends")


def _post_blocks(posts: Sequence[WorldPost]) -> Blocks:
    from alciato.item import Table

    known = phrase_vectors()
    truths = [post.truth.model_dump() for post in posts]
    account = [next(part.rows[0] for part in post.content if isinstance(part, Table)) for post in posts]
    inputs = {
        "words": np.stack([known[truth["words"]] for truth in truths]),
        "picture": np.stack([_thumbnail(post.picture()) for post in posts]),
        "account": np.array(account, np.float32),
        "remark": np.stack([known[truth["remark"]] for truth in truths]),
    }
    offends = np.array([truth["offends"] for truth in truths], np.int64)
    target = np.array([TARGETS.index(truth["shows"]) for truth in truths], np.int64)
    return _blocks(inputs, {"offends": offends, "target": target})


@cache
def phrase_vectors() -> dict[str, Array]:
    """Vectors (384,) of the phrases of `target` posts, by phrase."""
    with (files("alciato.experiments") / "data" / VECTORS).open("rb") as file, np.load(file) as kept:
        return dict(zip(kept["phrases"].tolist(), kept["vectors"].astype(np.float32), strict=True))


def table_blocks(name: str, seed: int) -> Divided:
    """Cut `breast_cancer` (task malignant) or `digits` (task large: 5 to 9) into three blocks of columns.

    Rows stay in the order of the file. Seeds 0 to 4 are the five folds of one stratified division, 5 to 9 of another.
    """
    from sklearn import datasets
    from sklearn.model_selection import StratifiedKFold, train_test_split

    loaded = getattr(datasets, f"load_{name}")()
    values = loaded.data.astype(np.float32)
    labels = ((1 - loaded.target) if name == "breast_cancer" else (loaded.target >= 5)).astype(np.int64)
    divided = StratifiedKFold(FOLDS, shuffle=True, random_state=seed // FOLDS).split(values, labels)
    rest, test = list(divided)[seed % FOLDS]
    train, validation = train_test_split(rest, test_size=0.2, random_state=seed, stratify=labels[rest])
    found: dict[Split, Blocks] = {}
    places: dict[Split, NDArray[np.int64]] = {"train": np.sort(train), "validation": np.sort(validation), "test": test}
    for split, rows in places.items():
        parts = np.array_split(values[rows], 3, axis=1)
        found[split] = _blocks(dict(zip("abc", parts, strict=True)), {"label": labels[rows]})
    scaled = standardised(found)
    return Divided(scaled["train"], scaled["validation"], scaled["test"], "b", "label")


def standardised(splits: dict[Split, Blocks]) -> dict[Split, Blocks]:
    """Scale every input column by mean and standard deviation of the training samples."""
    result = {}
    scales = {n: (x.mean(0), x.std(0).clamp(min=1e-3)) for n, x in splits["train"].inputs.items()}
    for split, blocks in splits.items():
        inputs = {n: (x - scales[n][0]) / scales[n][1] for n, x in blocks.inputs.items()}
        result[split] = replace(blocks, inputs=inputs)
    return result


def _blocks(inputs: Mapping[str, Array], labels: Mapping[str, NDArray[np.int64]]) -> Blocks:
    count = len(next(iter(inputs.values())))
    return Blocks(
        {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in inputs.items()},
        {name: torch.ones(count, dtype=torch.bool) for name in inputs},
        {name: torch.from_numpy(value) for name, value in labels.items()},
    )


def _thumbnail(picture: object) -> Array:
    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise TypeError(type(picture).__name__)
    small = picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)
