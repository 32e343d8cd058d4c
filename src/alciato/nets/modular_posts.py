"""Network of the modular judge on posts: the inputs of its modules, and their features as tensors.

Modules: `text` (all text parts, encoded by a frozen text encoder), `words` (the words read on the picture, encoded
likewise), `picture` (pixels, encoded by a small vision transformer that is trained with the judge), `table` (numbers of
the metadata). The step of an input that a post lacks is skipped. Training and serving use the same `PostFeatures`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from alciato.item import Item
from alciato.models import Encoder
from alciato.models.protocols import Picture
from alciato.nets.modular import ModularConfig, ModularJudge, ModularOutput
from alciato.nets.pictures import picture_tensor
from alciato.nets.vit import VisionTransformer, VisionTransformerConfig

PostModule = Literal["text", "words", "picture", "table"]
TASK = "label"


@dataclass(frozen=True)
class PostParts:
    """Inputs of a post for each module; None where the post has none."""

    text: str | None = None
    words: str | None = None
    picture: Picture | None = None
    table: Mapping[str, float] | None = None

    def lacking(self, modules: Sequence[str]) -> list[str]:
        """List the modules that have no input."""
        return [module for module in modules if not getattr(self, module)]


class MetadataColumn(BaseModel):
    """A number of the metadata, standardised by mean and standard deviation over the training posts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    mean: float
    std: float = Field(gt=0)


class PostsConfig(BaseModel):
    """Configuration of the judge: everything that is needed to build the same network."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    modules: tuple[PostModule, ...] = Field(min_length=1)
    classes: tuple[str, ...] = Field(min_length=2)
    benign: tuple[str, ...] = Field(description="classes that violate nothing")
    encoder: str = Field(description="name of the text encoder")
    fingerprint: str = Field(description="of the text encoder; the judge works with its vectors only")
    dimension: int = Field(ge=1, description="of its vectors")
    columns: tuple[MetadataColumn, ...] = ()
    size: int = Field(64, ge=16, description="side of the picture in pixels")
    state: int = Field(64, ge=1)
    hidden: int = Field(64, ge=1)

    @property
    def categories(self) -> dict[str, int]:
        """Category id of a policy to class number; benign classes have no category."""
        return {slug(name): n for n, name in enumerate(self.classes) if name not in self.benign}

    @property
    def vision(self) -> VisionTransformerConfig:
        """Sizes of the vision transformer."""
        return VisionTransformerConfig(size=self.size, patch=8, dim=96, depth=4, heads=3, mlp=192)

    @property
    def core(self) -> ModularConfig:
        """Sizes of the modular network."""
        text, picture, table = self.dimension, self.vision.dim, len(self.columns)
        widths = {"text": text, "words": text, "picture": picture, "table": table}
        chosen = {module: widths[module] for module in self.modules}
        return ModularConfig(modules=chosen, tasks={TASK: len(self.classes)}, state=self.state, hidden=self.hidden)


class ModularPosts(nn.Module):
    """`ModularJudge` with a vision transformer that encodes the input of the step `picture`."""

    def __init__(self, config: PostsConfig) -> None:
        super().__init__()
        self.vision = VisionTransformer(config.vision) if "picture" in config.modules else None
        self.judge = ModularJudge(config.core)

    def forward(
        self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor], order: Sequence[str] | None = None
    ) -> ModularOutput:
        """Run the network on inputs of `PostFeatures`: vectors (batch, width), pictures (batch, 3, size, size)."""
        if self.vision is not None:
            inputs = {**inputs, "picture": self.vision(inputs["picture"]).pooled}
        output: ModularOutput = self.judge(inputs, present, order)
        return output


class PostTensors(NamedTuple):
    """Inputs of the modules (batch, …), and which of them are present (batch,)."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]


class PostFeatures:
    """Converts the parts of posts to tensors. Each text is encoded once."""

    def __init__(self, config: PostsConfig, encoder: Encoder) -> None:
        self.config, self._encoder = config, encoder
        self._known: dict[str, Tensor] = {}

    def __call__(self, parts: Sequence[PostParts]) -> PostTensors:
        """Return the tensors of some posts; zeros where a part is missing."""
        inputs: dict[str, Tensor] = {}
        present: dict[str, Tensor] = {}
        for module in self.config.modules:
            rows = [self._row(module, one) for one in parts]
            empty = next((torch.zeros_like(row) for row in rows if row is not None), self._empty(module))
            inputs[module] = torch.stack([empty if row is None else row for row in rows])
            present[module] = torch.tensor([row is not None for row in rows])
        return PostTensors(inputs, present)

    def _row(self, module: PostModule, parts: PostParts) -> Tensor | None:
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
        """Standardised numbers, the mean where one is missing; None where all are missing."""
        if not any(column.name in values for column in self.config.columns):
            return None
        return torch.tensor([(values.get(c.name, c.mean) - c.mean) / c.std for c in self.config.columns])

    def _empty(self, module: PostModule) -> Tensor:
        if module == "picture":
            return torch.zeros(3, self.config.size, self.config.size)
        return torch.zeros(self.config.core.modules[module])


def slug(name: str) -> str:
    """Write the name of a class as the id of a category: lower-case letters, digits, hyphens, a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    return plain if plain[:1].isalpha() else f"class-{plain or 'unnamed'}"


def numbers_of(item: Item, columns: Sequence[MetadataColumn] | None = None) -> dict[str, float]:
    """Return the numbers in the metadata of an item, or those of some columns; booleans count as 1 and 0."""
    names = item.metadata if columns is None else [column.name for column in columns]
    found = {name: item.metadata.get(name) for name in names}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float) and abs(value) < 1e30}
