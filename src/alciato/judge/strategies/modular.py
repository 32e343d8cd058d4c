"""Strategy `modular`: a trained judge with one step for each part of a post; its reasons give the effect of each step.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). Train one with `alciato learn judge --strategy modular`; name
it with `models.judge = "trained:FOLDER"` or `alciato judge --model trained:FOLDER`. Its classes are the categories of
the policy; `policy_of` makes a policy of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from alciato.errors import BadMedia, ModelError, UsageError
from alciato.item import Image, Item, Span
from alciato.item.verdict import Step
from alciato.judge.policy import Category, Policy
from alciato.judge.strategy import Judgement, Match, Needs, Strategy, StrategyExample, Unjudged
from alciato.models import Embeddings, Encoder, Runtime
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
from alciato.read.content import Content
from alciato.registry import NoOptions

_KINDS = {"text": ("body", "caption"), "words": ("ocr",)}
"""Kinds of the spans that a module's step is based on."""


class Modular(Strategy):
    """The strategy: one score for each category; the reasons give the probability before and after every step."""

    name = "modular"
    needs = Needs(frozenset({"ocr"}), frozenset({"text", "image"}), "judge")

    def __init__(self, trained: TrainedModular, policy: Policy) -> None:
        self._trained, self._policy = trained, policy
        self.model = f"{trained.name}@{trained.fingerprint}"

    @classmethod
    def load(cls, policy: Policy, runtime: Runtime, options: NoOptions) -> Self:
        """Open the trained judge that the settings name.

        Raises:
            UsageError: no trained judge is named, or a category is none of its classes.
        """
        del options
        trained = trained_judge(runtime)
        classes = trained.config.categories
        strange = [category.id for category in policy.categories if category.id not in classes]
        if strange:
            raise UsageError(
                f"the policy {policy.name!r} has the category {strange[0]!r}, which {trained.name} was not trained on.",
                remedy=f"It was trained on {', '.join(classes)}: leave the policy out, or write one with these "
                "categories.",
            )
        return cls(trained, policy)

    @classmethod
    def default_policy(cls, runtime: Runtime) -> Policy:
        """Make a policy of the classes that the judge was trained on."""
        return policy_of(runtime)

    @classmethod
    def examples(cls) -> Sequence[StrategyExample]:
        """Give an item that the modules of an untrained judge have no part for: nothing is allowed in silence."""
        category = Category(id="hate", title="Hate", definition="Attacks a group.")
        policy = Policy(name="example", categories=(category,))
        return [StrategyExample(Item(id="empty", parts=()), policy, "review", _untrained)]

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
        steps = tuple(Step(name=name, result="taken" if name not in lacking else "missing") for name in modules)
        return Judgement(scores, tuple(matches), unseen=tuple(_further_pictures(content, modules)), trace=steps)


class TrainedModular:
    """A trained judge, opened from `trained:FOLDER`: class probabilities after every step."""

    def __init__(
        self, config: PostsConfig, model: ModularPosts, features: PostFeatures, *, name: str, fingerprint: str
    ) -> None:
        self.config, self._model, self._features = config, model, features
        self.name, self.fingerprint = name, fingerprint

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
        model, features = trained.fill(ModularPosts(config)), PostFeatures(config, encoder)
        return cls(config, model, features, name=trained.name, fingerprint=trained.fingerprint)

    def judge(self, parts: Sequence[PostParts]) -> tuple[Tensor, Tensor]:
        """Return probabilities (posts, steps + 1, classes) and which steps were taken (posts, steps + 1)."""
        tensors = self._features(parts)
        with torch.inference_mode():
            output = self._model(tensors.inputs, tensors.present)
        return output.logits[TASK].softmax(-1), output.taken


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
    """Give the inputs of the modules, for training and for judging. Raises `BadMedia` for a broken picture."""
    shown = next((number for number, part in enumerate(content.item.parts) if isinstance(part, Image)), None)
    return PostParts(
        text=content.body or None,
        words=content.words_on_pictures or None,
        picture=None if shown is None else content.picture(shown).picture,
        table=numbers_of(content.item, columns) or None,
    )


def _untrained() -> TrainedModular:
    """Build a judge with random weights, for the example."""

    class Constant:
        name, fingerprint, dimension, modalities = "example", "1", 4, frozenset({"text"})

        def encode(self, inputs: Sequence[Any], **_: Any) -> Embeddings:
            return Embeddings(np.full((len(inputs), self.dimension), 0.5, np.float32))

    config = PostsConfig(
        modules=("text",), classes=("hate", "benign"), benign=("benign",), encoder="e", fingerprint="1", dimension=4
    )
    features = PostFeatures(config, Constant())
    return TrainedModular(config, ModularPosts(config).eval(), features, name="example", fingerprint="1")


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


def _further_pictures(content: Content, modules: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each picture after the first, which alone is judged."""
    pictures = [number for number, part in enumerate(content.item.parts) if isinstance(part, Image)]
    if "picture" in modules:
        yield from (f"Part {n} was not judged: this judge takes one picture of a post." for n in pictures[1:])


def _places(module: str, content: Content) -> tuple[Span, ...]:
    if module == "picture":
        return tuple(
            Span(part=number, kind="picture")
            for number, part in enumerate(content.item.parts)
            if isinstance(part, Image)
        )[:1]
    kinds = _KINDS.get(module, ())
    return tuple(span for span in content.texts if span.kind in kinds)
