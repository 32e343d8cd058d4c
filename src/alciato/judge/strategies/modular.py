"""Strategy `modular`: a trained judge with one step for each part of a post; its reasons give the effect of each step.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). Train one with `alciato learn judge --strategy modular`; name
it with `models.judge = "trained:FOLDER"` or `alciato judge --model trained:FOLDER`. Its classes are the categories of
the policy; `policy_of` makes a policy of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from alciato.errors import BadMedia, ModelError, UsageError
from alciato.item import Image, Item, Span, Text
from alciato.judge.content import Content
from alciato.judge.policy import Category, Policy
from alciato.judge.strategy import Judgement, Match, Unjudged
from alciato.models import Encoder, Runtime
from alciato.models.trained import Trained
from alciato.nets.modular_posts import (
    TASK,
    MetadataColumn,
    ModularPosts,
    PostFeatures,
    PostParts,
    PostsConfig,
    numbers_of,
)
from alciato.read.segments import said_once

_KINDS = {"text": ("body", "caption"), "words": ("ocr",)}
"""Kinds of the spans that a module's step is based on."""


class Modular:
    """The strategy: one score for each category; the reasons give the probability before and after every step."""

    name = "modular"

    def __init__(self, trained: TrainedModular, policy: Policy) -> None:
        self._trained, self._policy = trained, policy
        self.model = f"{trained.name}@{trained.fingerprint}"

    def judge(self, contents: Sequence[Content]) -> list[Judgement | Unjudged]:
        """Judge some posts, each by the parts it has."""
        return [self._judge(content) for content in contents]

    def _judge(self, content: Content) -> Judgement | Unjudged:
        try:
            parts = parts_of(content, self._trained.config.columns)
        except BadMedia as error:
            return Unjudged(str(error))
        modules = self._trained.config.modules
        lacking = parts.lacking(modules)
        if len(lacking) == len(modules):
            return Unjudged(f"it has no part that this judge uses ({', '.join(modules)}).")
        probabilities, taken = self._trained.judge([parts])
        scores, matches = {}, []
        for category in self._policy.categories:
            path = probabilities[0, :, self._trained.config.categories[category.id]].tolist()
            scores[category.id] = path[-1]
            matches.append(_match(category, path, taken[0].tolist(), modules, content))
        return Judgement(scores, tuple(matches))


class TrainedModular:
    """A trained judge, opened from `trained:FOLDER`: class probabilities after every step."""

    def __init__(self, config: PostsConfig, model: ModularPosts, features: PostFeatures, trained: Trained) -> None:
        self.config, self._model, self._features = config, model, features
        self.name, self.fingerprint = trained.name, trained.fingerprint

    @classmethod
    def of_trained(cls, trained: Trained, runtime: Runtime) -> Self:
        """Build the judge from its folder. Raises `ModelError` if it was trained with another text encoder."""
        config = PostsConfig.model_validate(trained.settings)
        encoder = runtime.load(config.encoder, Encoder)
        if encoder.fingerprint != config.fingerprint:
            raise ModelError(
                f"it was trained on vectors of another version of {config.encoder}.",
                where=str(trained.folder),
                remedy="Train it again.",
            )
        return cls(config, trained.fill(ModularPosts(config)), PostFeatures(config, encoder), trained)

    def judge(self, parts: Sequence[PostParts]) -> tuple[Tensor, Tensor]:
        """Return probabilities (posts, steps + 1, classes) and which steps were taken (posts, steps + 1)."""
        tensors = self._features(parts)
        with torch.inference_mode():
            output = self._model(tensors.inputs, tensors.present)
        return output.logits[TASK].softmax(-1), output.taken


def load_modular(policy: Policy, runtime: Runtime) -> Modular:
    """Create the strategy for a policy.

    Raises:
        UsageError: no trained judge is named, or a category is none of its classes.
    """
    trained = trained_judge(runtime)
    classes = trained.config.categories
    strange = [category.id for category in policy.categories if category.id not in classes]
    if strange:
        raise UsageError(
            f"the policy {policy.name!r} has the category {strange[0]!r}, which {trained.name} was not trained on.",
            remedy=f"It was trained on {', '.join(classes)}: leave the policy out, or write one with these categories.",
        )
    return Modular(trained, policy)


def trained_judge(runtime: Runtime) -> TrainedModular:
    """Return the judge that the settings name. Raises `UsageError` if they name none."""
    if runtime.settings.models.judge is None:
        raise UsageError(
            "the strategy modular needs a trained judge.",
            remedy="Make one with `alciato learn judge --strategy modular DATA --out FOLDER`, name it with --model.",
        )
    return runtime.load(runtime.settings.models.judge, TrainedModular)


def policy_of(runtime: Runtime) -> Policy:
    """Make a policy of the classes of the named judge: a category with action review for each class but benign ones."""
    trained = trained_judge(runtime)
    names = trained.config.classes
    categories = tuple(
        Category(id=id_, title=names[number], definition=f"Posts like those labelled {names[number]!r} in training.")
        for id_, number in trained.config.categories.items()
    )
    return Policy(name="trained", description=f"The classes of {trained.name}.", categories=categories)


def parts_of(content: Content, columns: Sequence[MetadataColumn]) -> PostParts:
    """Return the inputs of the modules. Raises `BadMedia` if the picture cannot be decoded."""
    words = said_once(e.text for passage in content.passages for e in passage.evidence if e.kind == "ocr")
    shown = content.look() if any(isinstance(part, Image) for part in content.item.parts) else ()
    return PostParts(
        text=text_of(content.item),
        words="\n".join(words) or None,
        picture=shown[0] if shown else None,
        table=numbers_of(content.item, columns) or None,
    )


def text_of(item: Item) -> str | None:
    """All text parts, a line each; None if there is none."""
    return "\n".join(p.text for p in item.parts if isinstance(p, Text) and p.text.strip()) or None


def _match(
    category: Category, path: Sequence[float], taken: Sequence[bool], modules: Sequence[str], content: Content
) -> Match:
    """Describe the steps; the evidence is the spans of the step that raised the probability most."""
    told, moved = [f"before any part {path[0]:.2f}"], {}
    for module, there, (before, after) in zip(modules, taken[1:], pairwise(path), strict=True):
        told.append(f"{module} {after:.2f} ({after - before:+.2f})" if there else f"{module}: missing")
        moved[module] = after - before
    strongest = max(moved, key=lambda module: moved[module])
    places = _places(strongest, content) if moved[strongest] > 0 else ()
    return Match(category.id, path[-1], "step by step: " + ", ".join(told), places)


def _places(module: str, content: Content) -> tuple[Span, ...]:
    if module == "picture":
        return tuple(
            Span(part=number, kind="picture")
            for number, part in enumerate(content.item.parts)
            if isinstance(part, Image)
        )[:1]
    kinds = _KINDS.get(module, ())
    found = {e.model_dump_json(): e for p in content.passages for e in p.evidence if e.kind in kinds}
    return tuple(found.values())
