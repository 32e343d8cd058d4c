"""`alciato learn judge --strategy modular`: trains the modular judge on labelled posts.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). The network is `alciato.nets.modular_posts`, the objective
`alciato.learn.objectives.ModularObjective`, the strategy that serves the judge `alciato.judge.strategies.modular`.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image as Picture
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alciato.errors import UsageError, unknown_name
from alciato.judge.strategies.modular import parts_of
from alciato.learn.contents import ExampleContents
from alciato.learn.examples import Examples, TrainingExample
from alciato.learn.metadata import FEWEST, metadata_columns
from alciato.learn.objectives import ModularObjective
from alciato.learn.training import TrainingPlan, TrainingRequest
from alciato.models import Encoder
from alciato.nets.modular_posts import (
    TASK,
    ModularPosts,
    PostFeatures,
    PostModule,
    PostParts,
    PostsConfig,
    numbers_of,
    slug,
)
from alciato.nets.pictures import resized

BENIGN = frozenset(
    {"allow", "benign", "clean", "harmless", "innocent", "negative", "neutral", "no", "none", "ok", "plain", "safe"}
)
"""Usual names of a class that violates nothing."""
UNEVEN = 0.5
"""Difference between the classes in the share of posts with a part from which on a warning is given."""


class ModularOptions(BaseModel):
    """Options of the strategy, `--option NAME=VALUE`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    modules: tuple[PostModule, ...] = Field(("text", "words", "picture", "table"), description="steps, in their order")
    benign: str | None = Field(None, description="class that violates nothing; None: by its name, else the largest")
    change_weight: float = Field(0.0, ge=0, description="weight of the penalty on changes of the state")
    shuffle: bool = Field(True, description="train with the steps in random order")
    size: int = Field(64, ge=16, description="side of the picture in pixels")
    columns: tuple[str, ...] | None = Field(None, description="metadata columns of the table; None: found")

    @field_validator("modules", "columns", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.split(",")) if isinstance(value, str) else value


def modular(request: TrainingRequest) -> TrainingPlan:
    """Plan the training of a modular judge.

    Raises:
        UsageError: an unknown option or class, or two classes that would be the same category.
    """
    options = _options(request.options)
    runtime = request.runtime
    encoder = runtime.load(runtime.settings.models.encoder, Encoder)
    train = request.splits.train
    columns, warnings = metadata_columns(train, options.columns) if "table" in options.modules else ([], [])
    config = PostsConfig(
        modules=tuple(module for module in options.modules if module != "table" or columns),
        classes=request.classes,
        benign=(_benign(options.benign, train),),
        encoder=runtime.settings.models.encoder,
        fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        columns=tuple(columns),
        size=options.size,
    )
    if len(config.categories) != len(config.classes) - 1:
        raise UsageError(f"two of the classes {', '.join(config.classes)} would be the same category.")
    kinds = ["ocr"] if "words" in config.modules else []
    training = request.config(epochs=20, batch_size=32, learning_rate=5e-4)
    return TrainingPlan(
        kind="modular-judge",
        model=ModularPosts(config),
        settings=config.model_dump(mode="json"),
        collate=PartsCollator(PostFeatures(config, encoder), ExampleContents(runtime, kinds, train.source)),
        objective=ModularObjective((TASK,), options.change_weight, options.shuffle),
        training=training,
        splits=request.splits,
        card=_card(config, options),
        warnings=(*warnings, *_missingness(train, config)),
    )


_CARD = (
    "Steps: {modules}, in {order} during training. Benign class: {benign}. One module for each part of a post updates "
    "a state, which is decoded after every step; the step of a missing part is skipped (MultiModN, arXiv 2309.14118). "
    "The judge can still learn that a part is missing, where that tells the class. Measured on composed posts, 5 seeds "
    "(`alciato experiments run multimodn`, docs/results): trained where 80 % of one class lack a part, and tested "
    "where that is reversed, it loses {random:.2f} AUROC with random order, {fixed:.2f} with fixed order."
)
DROPS = {"random": 0.04, "fixed": 0.34}
"""Loss of AUROC by the order of the steps in training; compared with the committed results by a test."""


def _card(config: PostsConfig, options: ModularOptions) -> str:
    order = "random order" if options.shuffle else "this order"
    modules = ", ".join(config.modules)
    return _CARD.format(modules=modules, order=order, benign=config.benign[0], **DROPS)


@dataclass
class PartsCollator:
    """Collates examples into the tensors of the modules.

    The parts of an example are those of its `Content`, as in serving; they are kept, the picture in the size of the
    network.
    """

    features: PostFeatures
    contents: ExampleContents
    _known: dict[str, PostParts] = field(default_factory=dict, repr=False)

    def __call__(self, examples: list[TrainingExample], generator: torch.Generator) -> dict[str, Any]:
        """Make a batch: `ids`, `inputs`, `present`, `targets`."""
        del generator
        tensors = self.features(self._parts(examples))
        targets = {TASK: torch.tensor([example.number for example in examples])}
        ids = [example.id for example in examples]
        return {"ids": ids, "inputs": tensors.inputs, "present": tensors.present, "targets": targets}

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Describe each example of a batch: its parts, and those that are missing."""
        return [{"id": id_, **_described(self._known[id_], self.features.config.modules)} for id_ in batch["ids"]]

    def _parts(self, examples: Sequence[TrainingExample]) -> list[PostParts]:
        config = self.features.config
        fresh = [example for example in examples if example.id not in self._known]
        for example, content in zip(fresh, self.contents(fresh), strict=True):
            parts = parts_of(content, config.columns)
            small = parts.picture and Picture.fromarray(resized(parts.picture, config.size))
            self._known[example.id] = replace(parts, picture=small)
        return [self._known[example.id] for example in examples]


def _missingness(examples: Examples, config: PostsConfig) -> list[str]:
    """Warn of parts whose presence tells the class: the judge may learn that a part is missing."""
    has: dict[str, Callable[[TrainingExample], bool]] = {
        "text": lambda example: example.text is not None,
        "picture": lambda example: example.image is not None,
        "table": lambda example: bool(numbers_of(example.item, config.columns)),
    }
    warnings = []
    for module in config.modules:
        if module not in has:
            continue
        shares = {
            label: statistics.fmean(has[module](example) for example in examples if example.label == label)
            for label, count in examples.counts().items()
            if count >= FEWEST
        }
        low, high = min(shares, key=shares.__getitem__, default=""), max(shares, key=shares.__getitem__, default="")
        if shares and shares[high] - shares[low] >= UNEVEN:
            warnings.append(
                f"{shares[high]:.0%} of the training posts of class {high!r} have the part {module!r}, of {low!r} only "
                f"{shares[low]:.0%}: the judge may learn that the part is missing"
            )
    return warnings


def _described(parts: PostParts, modules: Sequence[str]) -> dict[str, Any]:
    row = {module: getattr(parts, module) for module in modules}
    if parts.picture is not None and "picture" in row:
        row["picture"] = list(parts.picture.size)
    return {**row, "missing": parts.lacking(modules)}


def _benign(named: str | None, examples: Examples) -> str:
    """The class that violates nothing: as given, by its usual names, else the one with most examples."""
    if named is not None and named not in examples.classes:
        raise unknown_name("class", named, list(examples.classes))
    usual = [name for name in examples.classes if slug(name).removeprefix("class-") in BENIGN]
    return named or (usual[0] if usual else Counter(example.label for example in examples).most_common(1)[0][0])


def _options(options: Mapping[str, Any]) -> ModularOptions:
    try:
        return ModularOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(place) for place in first["loc"])
        known = ", ".join(ModularOptions.model_fields)
        raise UsageError(f"option {name!r}: {first['msg']}.", remedy=f"Known: {known}.") from error
