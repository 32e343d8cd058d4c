"""Pictures of MemeTector's experiment, and one run on them: what is drawn, mixed, trained and tested.

Macros stand over drawn scenes, plain pictures are photographs; a seed's fold (seed modulo 5) says which photographs,
scenes, objects and phrases are held out, so that over five seeds each of the 19 photographs is tested exactly once.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures
from torch.nn import functional

from alciato import world
from alciato.experiments.data.training import Recipe, seed_torch, train
from alciato.item import Box
from alciato.nets import VisionTransformerConfig, picture_tensor
from alciato.nets.memetector import (
    AttentionScore,
    MemeDetector,
    MemeDetectorConfig,
    largest_text_free_crop,
    visual_part_utilization,
)
from alciato.world import Split, WorldPost

FOLDS = 5
SIZE = 96
VISION = VisionTransformerConfig(size=SIZE, patch=12, dim=64, depth=4, heads=4, mlp=128)
"""The detector's own sizes, without dropout in the blocks: it would take two fifths of the training time."""
MACRO, PLAIN = 0, 1
TESTS = ("without words", "with words", "visual parts")


class Drawn(NamedTuple):
    """Pictures (n, 3, size, size) in -1..1 as float16, and the boxes of their words."""

    pictures: torch.Tensor
    boxes: list[list[Box]]


class Material(NamedTuple):
    """Pictures of a split; `parts` are the visual parts of the macros that have one."""

    macros: Drawn
    with_words: Drawn
    without_words: Drawn
    parts: torch.Tensor


def trained_and_tested(
    seed: int, score: AttentionScore | None, vpu: float, text: float, *, posts: int, tests: int, epochs: int
) -> dict[str, float]:
    """Train one form of the attention on one mixture and test it on all sources of plain pictures."""
    pictures, labels = _examples(_material(seed, "train", posts), vpu, text, seed)
    held_pictures, held_labels = _examples(_material(seed, "validation", posts // 6), vpu, text, seed)
    seed_torch(seed)
    model = MemeDetector(MemeDetectorConfig(vision=VISION, score=score))

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(model({"pictures": pictures[rows].float()}), labels[rows])

    def accuracy() -> float:
        found = torch.cat([model({"pictures": some.float()}).argmax(1) for some in held_pictures.split(64)])
        return float((found == held_labels).float().mean())

    recipe = Recipe(epochs, 32, 2.5e-3, weight_decay=1e-3, warm_up=0.1, decay_to=0.1, seed=seed)
    train(model, loss, len(labels), accuracy, recipe)
    heats: list[torch.Tensor] = []

    def share_of_macros(some: torch.Tensor) -> float:
        with torch.inference_mode():
            outputs = [model.classify(part.float()) for part in some.split(64)]
        heats[:] = [output.heat for output in outputs if output.heat is not None]
        return float(torch.cat([output.logits.argmax(1) == MACRO for output in outputs]).float().mean())

    material, backgrounds = _material(seed, "test", tests), _backgrounds(seed, tests)
    metrics = _metrics(share_of_macros, material, backgrounds)
    share_of_macros(material.macros.pictures)
    covered = np.stack([_coverage(boxes, VISION.grid) for boxes in material.macros.boxes])
    if heats:
        metrics["heat on words"] = float((torch.cat(heats).numpy() * covered).sum((1, 2)).mean())
    return metrics | {"area of words": float(covered.mean())}


def trivially_tested(seed: int, features: str, vpu: float, text: float, *, posts: int, tests: int) -> dict[str, float]:
    """Test a logistic regression on numbers that know nothing of words: `file size`, or `pixel statistics`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    told = {"file size": _file_sizes, "pixel statistics": _pixel_statistics}[features]
    pictures, labels = _examples(_material(seed, "train", posts), vpu, text, seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(told(pictures), labels.numpy())

    def share_of_macros(some: torch.Tensor) -> float:
        return float((model.predict(told(some)) == MACRO).mean())

    return _metrics(share_of_macros, _material(seed, "test", tests), _backgrounds(seed, tests))


def _file_sizes(pictures: torch.Tensor) -> NDArray[np.float64]:
    """Bytes of each picture as PNG, (n, 1)."""
    sizes = []
    for picture in _as_bytes(pictures):
        file = io.BytesIO()
        Pictures.fromarray(picture).save(file, "PNG")
        sizes.append([float(file.tell())])
    return np.array(sizes)


def _pixel_statistics(pictures: torch.Tensor) -> NDArray[np.float64]:
    """Mean and standard deviation of each channel, share of nearly white and of nearly black pixels, (n, 8)."""
    pixels = _as_bytes(pictures).astype(np.float64)
    shares = [(pixels.min(-1) > 240).mean((1, 2)), (pixels.max(-1) < 15).mean((1, 2))]
    return np.column_stack([pixels.mean((1, 2)), pixels.std((1, 2)), *shares])


def _as_bytes(pictures: torch.Tensor) -> NDArray[np.uint8]:
    """Pixels (n, size, size, 3), 0..255, of normalised pictures."""
    pixels: NDArray[np.uint8] = (
        ((pictures.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    )
    return pixels


@lru_cache(maxsize=3)
def _material(seed: int, split: Split, count: int) -> Material:
    """Draw a split once for all variants that a process runs under one seed."""
    options: dict[str, Any] = {"split": split, "size": SIZE, "fold": seed % FOLDS}
    macros = list(world.make("macro", count, seed=seed, **options))
    return Material(
        _drawn(macros),
        _drawn(world.make("plain", count, seed=seed + 10_000, words=1.0, **options)),
        _drawn(world.make("plain", count, seed=seed + 20_000, **options)),
        torch.stack([part for post in macros if (part := _visual_part(post)) is not None]),
    )


@lru_cache(maxsize=1)
def _backgrounds(seed: int, count: int) -> torch.Tensor:
    """The pictures of the test's macros before their words were drawn."""
    options: dict[str, Any] = {"split": "test", "size": SIZE, "fold": seed % FOLDS, "family": "scene"}
    return _drawn(world.make("plain", count, seed=seed, **options)).pictures


def _drawn(posts: Sequence[WorldPost]) -> Drawn:
    drawn = list(posts)
    return Drawn(torch.stack([_tensor(post.picture()) for post in drawn]), [_boxes(post) for post in drawn])


def _tensor(picture: Pictures.Image) -> torch.Tensor:
    return picture_tensor(picture, SIZE).half()


def _boxes(post: WorldPost) -> list[Box]:
    return [word.box for line in post.truth.lines for word in line.words]  # type: ignore[attr-defined]


def _visual_part(post: WorldPost) -> torch.Tensor | None:
    """Cut the largest crop without words, a little inwards so that no edge of a letter stays."""
    picture = post.picture()
    part = largest_text_free_crop(picture.size, _boxes(post))
    if part is None:
        return None
    left, top, right, bottom = part.box
    return _tensor(picture.crop((int(np.ceil(left)), int(np.ceil(top)), int(right), int(bottom))))


def _examples(material: Material, vpu: float, text: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the two classes together, of the same size, by the mixture: pictures and labels."""
    sources = (material.parts, material.with_words.pictures, material.without_words.pictures)
    numbers = [range(len(source)) for source in sources]
    count = len(material.macros.pictures)
    plain = visual_part_utilization(*numbers, vpu=vpu, text_presence=text, count=count, seed=seed)
    chosen = zip((sources[1], sources[2], sources[0]), plain, strict=True)
    pictures = torch.cat([material.macros.pictures, *(source[list(rows)] for source, rows in chosen if rows)])
    labels = torch.full((len(pictures),), PLAIN)
    labels[:count] = MACRO
    return pictures, labels


def _metrics(
    share_of_macros: Callable[[torch.Tensor], float], material: Material, backgrounds: torch.Tensor
) -> dict[str, float]:
    """Balanced accuracy against each source of plain pictures; mean and worst of the three."""
    found = share_of_macros(material.macros.pictures)
    right = {
        name: (found + 1 - share_of_macros(pictures)) / 2
        for name, pictures in (
            ("without words", material.without_words.pictures),
            ("with words", material.with_words.pictures),
            ("visual parts", material.parts),
            ("backgrounds", backgrounds),
        )
    }
    three = [right[name] for name in TESTS]
    lost = right["without words"] - right["visual parts"]
    return {"mean": float(np.mean(three)), "worst": min(three), **right, "macros found": found, "lost on parts": lost}


def _coverage(boxes: Sequence[Box], grid: int) -> NDArray[np.float32]:
    """Share of each patch that words' boxes cover, (grid, grid)."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    for left, top, right, bottom in boxes:
        mask[max(int(top), 0) : int(np.ceil(bottom)), max(int(left), 0) : int(np.ceil(right))] = 1
    side = SIZE // grid
    covered: NDArray[np.float32] = mask.reshape(grid, side, grid, side).mean((1, 3))
    return covered
