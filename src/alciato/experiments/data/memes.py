"""Pictures of MemeTector's experiment, and one run on them: what is drawn, mixed, trained and tested."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures

from alciato import world
from alciato.item import Box
from alciato.learn import Classification, Trainer, TrainingConfig, seed_everything
from alciato.nets import VisionTransformerConfig, picture_tensor
from alciato.nets.memetector import (
    AttentionScore,
    MemeDetector,
    MemeDetectorConfig,
    largest_text_free_crop,
    visual_part_utilization,
)
from alciato.world import Split, WorldPost

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
    train, validation = (
        _examples(_material(seed, split, count), vpu, text, seed)
        for split, count in (("train", posts), ("validation", posts // 6))
    )
    seed_everything(seed)
    model = MemeDetector(MemeDetectorConfig(vision=VISION, score=score))
    config = TrainingConfig(
        seed=seed, epochs=epochs, batch_size=32, learning_rate=2.5e-3, weight_decay=1e-3, device="cpu"
    )
    fitted = Trainer(config).fit(model, train, _collate, Classification(("macro", "plain")), validation)
    return _figures(fitted.model, _material(seed, "test", tests), _backgrounds(seed, tests))


@lru_cache(maxsize=3)
def _material(seed: int, split: Split, count: int) -> Material:
    """Draw a split once for all variants that a process runs under one seed."""
    macros = list(world.make("macro", count, seed=seed, split=split, size=SIZE))
    return Material(
        _drawn(macros),
        _drawn(world.make("plain", count, seed=seed + 10_000, split=split, size=SIZE, words=1.0)),
        _drawn(world.make("plain", count, seed=seed + 20_000, split=split, size=SIZE)),
        torch.stack([part for post in macros if (part := _visual_part(post)) is not None]),
    )


@lru_cache(maxsize=1)
def _backgrounds(seed: int, count: int) -> torch.Tensor:
    """The pictures of the test's macros before their words were drawn."""
    return _drawn(world.make("plain", count, seed=seed, split="test", size=SIZE, family="scene")).pictures


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


def _examples(material: Material, vpu: float, text: float, seed: int) -> list[tuple[torch.Tensor, int]]:
    """Put the two classes together, of the same size, by the mixture."""
    sources = (material.parts, material.with_words.pictures, material.without_words.pictures)
    numbers = [range(len(source)) for source in sources]
    count = len(material.macros.pictures)
    plain = visual_part_utilization(*numbers, vpu=vpu, text_presence=text, count=count, seed=seed)
    chosen = zip((sources[1], sources[2], sources[0]), plain, strict=True)
    return [(picture, MACRO) for picture in material.macros.pictures] + [
        (source[row], PLAIN) for source, rows in chosen for row in rows
    ]


def _collate(examples: list[tuple[torch.Tensor, int]], generator: torch.Generator) -> dict[str, Any]:
    del generator
    pictures, labels = zip(*examples, strict=True)
    return {"pictures": torch.stack(pictures).float(), "labels": torch.tensor(labels)}


def _figures(model: MemeDetector, material: Material, backgrounds: torch.Tensor) -> dict[str, float]:
    """Accuracy against each source of plain pictures, mean and worst of the three; heat within the words' boxes."""
    found, heat = _called_macro(model, material.macros.pictures)
    right = {
        name: (found + 1 - _called_macro(model, pictures)[0]) / 2
        for name, pictures in (
            ("without words", material.without_words.pictures),
            ("with words", material.with_words.pictures),
            ("visual parts", material.parts),
            ("backgrounds", backgrounds),
        )
    }
    three = [right[name] for name in TESTS]
    figures = {"mean": float(np.mean(three)), "worst": min(three), **right, "macros found": found}
    covered = np.stack([_coverage(boxes, model.config.vision.grid) for boxes in material.macros.boxes])
    if heat is not None:
        figures["heat on words"] = float((heat * covered).sum((1, 2)).mean())
    return figures | {"area of words": float(covered.mean())}


def _called_macro(model: MemeDetector, pictures: torch.Tensor) -> tuple[float, NDArray[np.float32] | None]:
    """Share of the pictures that are called macros, and their heat maps."""
    with torch.inference_mode():
        found = [model.classify(some.float()) for some in pictures.split(64)]
    share = float(torch.cat([output.logits.argmax(1) == MACRO for output in found]).float().mean())
    heats = [output.heat for output in found if output.heat is not None]
    return share, torch.cat(heats).numpy() if heats else None


def _coverage(boxes: Sequence[Box], grid: int) -> NDArray[np.float32]:
    """Share of each patch that words' boxes cover, (grid, grid)."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    for left, top, right, bottom in boxes:
        mask[max(int(top), 0) : int(np.ceil(bottom)), max(int(left), 0) : int(np.ceil(right))] = 1
    side = SIZE // grid
    covered: NDArray[np.float32] = mask.reshape(grid, side, grid, side).mean((1, 3))
    return covered
