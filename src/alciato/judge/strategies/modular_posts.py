"""The modular judge on posts: what of a post each module takes, and the trained judge that `trained:FOLDER` opens.

Modules, in the order of the steps: `text` (all text parts, a vector of a frozen text encoder), `words` (those read on
the picture, likewise), `picture` (pixels through a small vision transformer that is trained along), `table` (numbers
of the metadata). A post gives what it has; the steps of what it lacks are not taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from alciato.item import Item
from alciato.models import Encoder, Runtime
from alciato.models.protocols import Picture
from alciato.models.trained import Trained
from alciato.nets import VisionTransformer, VisionTransformerConfig, picture_tensor
from alciato.nets.modular import ModularConfig, ModularJudge, Steps

Module = Literal["text", "words", "picture", "table"]
TASK = "label"


@dataclass(frozen=True)
class PostParts:
    """What a post has for each module; None where it has none."""

    text: str | None = None
    words: str | None = None
    picture: Picture | None = None
    table: Mapping[str, float] | None = None

    def lacking(self, modules: Sequence[str]) -> list[str]:
        """Name the modules that it has nothing for."""
        return [module for module in modules if not getattr(self, module)]


class Column(BaseModel):
    """A number of the metadata, scaled by mean and deviation of the training posts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    mean: float
    deviation: float = Field(gt=0)


class PostsConfig(BaseModel):
    """Everything from which the same judge is built."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    modules: tuple[Module, ...] = Field(min_length=1)
    classes: tuple[str, ...] = Field(min_length=2)
    harmless: tuple[str, ...] = Field(description="classes that break nothing")
    encoder: str = Field(description="name of the text encoder")
    fingerprint: str = Field(description="of the text encoder: vectors of another one mean something else")
    dimension: int = Field(ge=1, description="of its vectors")
    columns: tuple[Column, ...] = ()
    size: int = Field(64, ge=16, description="side of the picture in pixels")
    state: int = Field(64, ge=1)
    hidden: int = Field(64, ge=1)

    @property
    def categories(self) -> dict[str, int]:
        """Number of the class by the category of a policy that it means; harmless classes have none."""
        return {slug(name): n for n, name in enumerate(self.classes) if name not in self.harmless}

    @property
    def vision(self) -> VisionTransformerConfig:
        """Sizes of the vision transformer."""
        return VisionTransformerConfig(size=self.size, patch=8, dim=96, depth=4, heads=3, mlp=192)

    @property
    def core(self) -> ModularConfig:
        """Sizes of the sequence of modules."""
        text, picture, table = self.dimension, self.vision.dim, len(self.columns)
        widths = {"text": text, "words": text, "picture": picture, "table": table}
        chosen = {module: widths[module] for module in self.modules}
        return ModularConfig(modules=chosen, tasks={TASK: len(self.classes)}, state=self.state, hidden=self.hidden)


class ModularPosts(nn.Module):
    """`ModularJudge` with the vision transformer in front of the picture's step."""

    def __init__(self, config: PostsConfig) -> None:
        super().__init__()
        self.vision = VisionTransformer(config.vision) if "picture" in config.modules else None
        self.judge = ModularJudge(config.core)

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor], order: Sequence[str] | None = None
    ) -> Steps:
        """Inputs as `Features` gives them: vectors (batch, width), pictures (batch, 3, size, size)."""
        if self.vision is not None:
            inputs = {**inputs, "picture": self.vision(inputs["picture"]).pooled}
        steps: Steps = self.judge(inputs, present, order)
        return steps


class Tensors(NamedTuple):
    """Inputs of the modules, and which of them are there."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]


class Features:
    """Parts of posts to tensors. Texts are encoded once."""

    def __init__(self, config: PostsConfig, encoder: Encoder) -> None:
        self.config, self._encoder = config, encoder
        self._known: dict[str, Tensor] = {}

    def __call__(self, parts: Sequence[PostParts]) -> Tensors:
        """Give the tensors of some posts; zeros where nothing is there."""
        inputs: dict[str, Tensor] = {}
        present: dict[str, Tensor] = {}
        for module in self.config.modules:
            rows = [self._row(module, one) for one in parts]
            empty = next((torch.zeros_like(row) for row in rows if row is not None), self._empty(module))
            inputs[module] = torch.stack([empty if row is None else row for row in rows])
            present[module] = torch.tensor([row is not None for row in rows])
        return Tensors(inputs, present)

    def _row(self, module: Module, parts: PostParts) -> Tensor | None:
        if module in parts.lacking([module]):
            return None
        if module == "picture" and parts.picture is not None:
            return picture_tensor(parts.picture, self.config.size)
        if module == "table":
            return self._table(parts.table or {})
        return self._vector(getattr(parts, module))

    def _vector(self, text: str) -> Tensor:
        if text not in self._known:
            self._known[text] = torch.from_numpy(np.asarray(self._encoder.encode([text]).dense[0], dtype=np.float32))
        return self._known[text]

    def _table(self, values: Mapping[str, float]) -> Tensor | None:
        """Scaled numbers, the mean where one is missing; None where all are."""
        if not any(column.name in values for column in self.config.columns):
            return None
        return torch.tensor([(values.get(c.name, c.mean) - c.mean) / c.deviation for c in self.config.columns])

    def _empty(self, module: Module) -> Tensor:
        if module == "picture":
            return torch.zeros(3, self.config.size, self.config.size)
        return torch.zeros(self.config.core.modules[module])


class TrainedModular:
    """A trained judge: probabilities of the classes after every step. `name` and `fingerprint` as every model has."""

    def __init__(self, config: PostsConfig, model: ModularPosts, features: Features, trained: Trained) -> None:
        self.config, self._model, self._features = config, model, features
        self.name, self.fingerprint = trained.name, trained.fingerprint

    @classmethod
    def of_trained(cls, trained: Trained, runtime: Runtime) -> Self:
        """Build it from its folder. Raises `ModelError` where its text encoder is not the one it was trained with."""
        from alciato.errors import ModelError

        config = PostsConfig.model_validate(trained.settings)
        encoder = runtime.load(config.encoder, Encoder)
        if encoder.fingerprint != config.fingerprint:
            raise ModelError(
                f"it was trained on vectors of another version of {config.encoder}.",
                where=str(trained.folder),
                remedy="Train it again.",
            )
        return cls(config, trained.fill(ModularPosts(config)), Features(config, encoder), trained)

    def judge(self, parts: Sequence[PostParts]) -> tuple[Tensor, Tensor]:
        """Give probabilities (posts, steps + 1, classes) and which steps were taken (posts, steps + 1)."""
        tensors = self._features(parts)
        with torch.inference_mode():
            steps = self._model(tensors.inputs, tensors.present)
        return steps.logits[TASK].softmax(-1), steps.taken


def slug(name: str) -> str:
    """Write the name of a class as the id of a category: small letters, digits, hyphens, a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    return plain if plain[:1].isalpha() else f"class-{plain or 'unnamed'}"


def numbers_of(item: Item, columns: Sequence[Column] | None = None) -> dict[str, float]:
    """Give the numbers among the metadata of an item, or those of some columns; yes and no count as 1 and 0."""
    names = item.metadata if columns is None else [column.name for column in columns]
    found = {name: item.metadata.get(name) for name in names}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float) and abs(value) < 1e30}
