"""`alciato learn reader --strategy memetector`: a meme detector from posts labelled `meme` (or `macro`) and `plain`.

The plain class is a mixture of pictures with words, pictures without, and visual parts of the memes of the same split;
mechanism and source are in `alciato.nets.memetector`. Boxes of words come from the readings of the collection, from an
OCR model where there are none, or from the ground truth of a folder of the emblem world.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alciato.errors import AlciatoError, UsageError
from alciato.item import Box, Image, Item, media_hash
from alciato.learn.collators import PictureCollator, PictureTensors
from alciato.learn.examples import Examples, TrainingExample, is_collection
from alciato.learn.objectives import Classification
from alciato.learn.randomness import seed_everything
from alciato.learn.splits import Splits
from alciato.learn.targets import ClassLabel
from alciato.learn.training import TrainingPlan, TrainingRequest
from alciato.models import Ocr, Runtime
from alciato.nets.memetector import (
    AttentionScore,
    MemeDetector,
    MemeDetectorConfig,
    Mixture,
    largest_text_free_crop,
    visual_part_utilization,
)
from alciato.nets.vit import VisionTransformerConfig
from alciato.read.memetector import meme_class

Boxes = dict[str, list[Box]]
"""Boxes of the words in the picture of each example, by its id."""


class MemeTectorOptions(BaseModel):
    """Options of the strategy, `--option NAME=VALUE`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    vpu: float = Field(1 / 3, ge=0, le=1, description="share of visual parts in the plain class")
    text_presence: float = Field(1.0, ge=0, le=1, description="share of pictures with words among the others")
    boxes: Literal["read", "truth"] = Field("read", description="from readings and OCR, or the ground truth")
    score: AttentionScore = "tanh"
    size: int = Field(96, ge=16, description="side of the picture in pixels")
    patch: int = Field(12, ge=4)
    dim: int = Field(64, ge=8)
    depth: int = Field(4, ge=1)

    def config(self) -> MemeDetectorConfig:
        """Sizes of the model."""
        heads = max(1, self.dim // 16)
        sizes = {"size": self.size, "patch": self.patch, "dim": self.dim, "depth": self.depth}
        vision = VisionTransformerConfig(**sizes, heads=heads, mlp=2 * self.dim, dropout=0.1)
        return MemeDetectorConfig(vision=vision, score=self.score)


def memetector(request: TrainingRequest) -> TrainingPlan:
    """Plan the training of a meme detector: network, mixture of the plain class, objective.

    Raises:
        UsageError: an unknown option, or classes other than memes and plain pictures.
        AlciatoError: a split has no pictures of one of the classes.
    """
    options, config = _options(request)
    meme = meme_class(request.classes)
    training = request.config(epochs=20, batch_size=64, learning_rate=1e-3, weight_decay=1e-3)
    seen = [_with_pictures(part) for part in request.splits]
    every = [example for part in seen for example in part]
    boxes = _boxes(every, options, request.splits.train.source, request.runtime)
    mixed = [_Mixer(part, meme, boxes, options, training.seed).mix() for part in seen]
    seed_everything(training.seed)  # an OCR model may have used the generators
    vision = config.vision
    return TrainingPlan(
        kind="meme-detector",
        model=MemeDetector(config),
        settings=config.model_dump(mode="json"),
        collate=PictureCollator(PictureTensors(vision.size)),
        objective=Classification(request.classes),
        training=training,
        splits=Splits(*(examples for examples, _ in mixed)),
        card=_card(options, [mixture for _, mixture in mixed]),
    )


def _options(request: TrainingRequest) -> tuple[MemeTectorOptions, MemeDetectorConfig]:
    try:
        options = MemeTectorOptions.model_validate(dict(request.options))
        return options, options.config()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(place) for place in first["loc"]) or "size"
        known = ", ".join(MemeTectorOptions.model_fields)
        raise UsageError(f"option {name!r}: {first['msg']}.", remedy=f"Known: {known}.") from error


def _with_pictures(examples: Examples) -> Examples:
    """Leave out and count posts without a picture."""
    seen = tuple(example for example in examples if example.image is not None)
    if len(seen) < len(examples):
        examples.skipped["without a picture"] += len(examples) - len(seen)
    return replace(examples, examples=seen)


@dataclass(frozen=True)
class _Mixer:
    """Builds the two classes of a split."""

    examples: Examples
    meme: int
    boxes: Boxes
    options: MemeTectorOptions
    seed: int

    def mix(self) -> tuple[Examples, Mixture]:
        """Keep the memes; sample as many plain pictures, including visual parts, as far as there are enough."""
        memes = [example for example in self.examples if example.number == self.meme]
        plain = [example for example in self.examples if example.number != self.meme]
        parts = [found for example in memes if (found := self._visual_part(example)) is not None]
        worded = [example for example in plain if self.boxes[example.id]]
        bare = [example for example in plain if not self.boxes[example.id]]
        shares = {"vpu": self.options.vpu, "text_presence": self.options.text_presence}
        chosen = visual_part_utilization(parts, worded, bare, **shares, count=len(memes), seed=self.seed)
        members = [
            *memes,
            *chosen.with_words,
            *chosen.without_words,
            *(_cut(*part, self._plain) for part in chosen.visual_parts),
        ]
        if not memes or len(members) == len(memes):
            lacking = "memes" if not memes else "plain pictures"
            remedy = "Give more pictures of both classes, labelled `meme` and `plain`."
            raise AlciatoError(f"a split has {len(self.examples)} pictures, but no {lacking}.", remedy=remedy)
        return replace(self.examples, examples=tuple(members)), Mixture(*(len(part) for part in chosen))

    @property
    def _plain(self) -> tuple[str, int]:
        number = 1 - self.meme
        return self.examples.classes[number], number

    def _visual_part(self, example: TrainingExample) -> tuple[TrainingExample, Box] | None:
        size = (example.image.width, example.image.height) if example.image else (0, 0)
        part = largest_text_free_crop(size, self.boxes[example.id])
        return (example, part.box) if part else None


def _cut(example: TrainingExample, box: Box, plain: tuple[str, int]) -> TrainingExample:
    """Make a post of the plain class from the visual part of a meme."""
    picture = example.picture()
    if picture is None:
        raise AlciatoError(f"the post {example.id} has no picture.")
    left, top = math.ceil(box.left), math.ceil(box.top)
    crop = picture.crop((left, top, max(int(box.right), left + 1), max(int(box.bottom), top + 1)))
    file = io.BytesIO()
    crop.save(file, "PNG")
    data = file.getvalue()
    part = Image(media=media_hash(data), mime="image/png", width=crop.width, height=crop.height)
    item = Item(id=f"{example.id}/visual-part", parts=(part,))
    return TrainingExample(item, ClassLabel(*plain), lambda _: data)


def _boxes(examples: Sequence[TrainingExample], options: MemeTectorOptions, source: str, runtime: Runtime) -> Boxes:
    if options.boxes == "truth":
        return _true_boxes(examples, source)
    found = _read_boxes(examples, source)
    missing = [example for example in examples if example.id not in found]
    return found | (_recognised_boxes(missing, runtime) if missing else {})


def _true_boxes(examples: Iterable[TrainingExample], source: str) -> Boxes:
    """Boxes from the ground truth of a folder that `alciato world make` wrote."""
    from alciato.world import read_truth

    place = Path(source)
    folder = place if place.is_dir() else place.parent
    if not (folder / "posts.jsonl").is_file():
        raise UsageError("it has no ground truth.", where=str(folder), remedy="Leave --option boxes=truth out.")
    truth = read_truth(folder)
    lines = {example.id: getattr(truth.get(example.id), "lines", None) for example in examples}
    unknown = next((name for name, known in lines.items() if known is None), None)
    if unknown is not None:
        raise UsageError(f"there is no ground truth for the words in {unknown}.", where=str(folder))
    return {name: [word.box for line in known or () for word in line.words] for name, known in lines.items()}


def _read_boxes(examples: Sequence[TrainingExample], source: str) -> Boxes:
    """Boxes from the readings of a collection, without those that failed."""
    if not is_collection(source):
        return {}
    from alciato.store import Collection

    parts = {example.id: _part(example) for example in examples}
    readings = Collection.open(source, create=False).readings(list(parts), ["ocr"])
    return {
        reading.item: [finding.box for finding in reading.findings if finding.box]
        for reading in readings
        if reading.part == parts[reading.item] and reading.error is None
    }


def _part(example: TrainingExample) -> int:
    """Number of the picture part of the post."""
    return next(number for number, part in enumerate(example.item.parts) if isinstance(part, Image))


def _recognised_boxes(examples: Iterable[TrainingExample], runtime: Runtime) -> Boxes:
    """Boxes of the OCR model of the settings; lines that were detected but not recognised are included."""
    name = runtime.settings.models.ocr
    if name is None:
        raise UsageError("no OCR model is named, and these pictures have not been read.", remedy="Name models.ocr.")
    model: Any = runtime.load(name, Ocr)
    pictures = ((example.id, example.picture()) for example in examples)
    return {
        id_: [finding.box for finding in model.recognise(picture) if finding.box]
        for id_, picture in pictures
        if picture is not None
    }


def _card(options: MemeTectorOptions, mixtures: Sequence[Mixture]) -> str:
    told = "; ".join(
        f"{name}: {m.with_words} with words, {m.without_words} without, {m.visual_parts} visual parts"
        for name, m in zip(("train", "validation", "test"), mixtures, strict=True)
    )
    return (
        "Tells image macros from plain pictures, with a heat map of its attention (MemeTector, arXiv 2205.13268). "
        f"Requested: visual parts {options.vpu:g}, text presence {options.text_presence:g}. "
        f"The plain class by its sources: {told}. "
        "It knows macros like those of its data: it may take other layouts, scripts or pasted captions for plain "
        "pictures, and pictures of shops, books and screens with words for macros."
    )
