"""Teaching the modular judge: its objective, shared by the product and the experiment.

Source: MultiModN, arXiv 2309.14118 (page: multimodn). The mechanism is `alciato.nets.modular`.
A batch has `inputs` (module → (batch, width)), `present` (module → (batch,) bool), `targets` (task → (batch,) int64,
below 0: no label).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from torch import Tensor, nn

from alciato.errors import UsageError, unknown_name
from alciato.judge.strategies.modular import text_of
from alciato.judge.strategies.modular_posts import (
    TASK,
    Column,
    Features,
    ModularPosts,
    Module,
    PostParts,
    PostsConfig,
    numbers_of,
    slug,
)
from alciato.learn.batches import Batch
from alciato.learn.examples import Example, Examples
from alciato.learn.lessons import Lesson, Request
from alciato.learn.objectives import classification_figures
from alciato.models import Encoder, Ocr, default_runtime
from alciato.nets.modular import Steps, final, modular_loss

HARMLESS = frozenset(
    {"allow", "benign", "clean", "harmless", "innocent", "negative", "neutral", "no", "none", "ok", "plain", "safe"}
)
"""Names that a class which breaks nothing usually has."""
FILLED = 0.5
"""A number of the metadata is a column where at least this share of the training posts has it."""


class ModularOptions(BaseModel):
    """What `--option NAME=VALUE` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    modules: tuple[Module, ...] = Field(("text", "words", "picture", "table"), description="steps, in their order")
    harmless: str | None = Field(None, description="the class that breaks nothing; found by its name, else the largest")
    change: float = Field(0.0, ge=0, description="weight of the penalty on changes of the state")
    shuffle: bool = Field(False, description="train with the steps in drawn orders")
    size: int = Field(64, ge=16, description="side of the picture in pixels")

    @field_validator("modules", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.split(",")) if isinstance(value, str) else value


def modular(request: Request) -> Lesson:
    """Say what is trained: the steps that some post can take, on posts as they are.

    Raises:
        UsageError: an option that it does not take, a class of that name that there is not, or two classes that
            would be one category.
    """
    options = _options(request.options)
    runtime = default_runtime()
    encoder = runtime.load(runtime.settings.models.encoder, Encoder)
    train = request.splits.train
    columns = columns_of(train) if "table" in options.modules else ()
    config = PostsConfig(
        modules=tuple(module for module in options.modules if module != "table" or columns),
        classes=request.classes,
        harmless=(_harmless(options.harmless, train),),
        encoder=runtime.settings.models.encoder,
        fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        columns=columns,
        size=options.size,
    )
    if len(config.categories) != len(config.classes) - 1:
        raise UsageError(f"two of the classes {', '.join(config.classes)} would be one category.")
    training = request.config(epochs=20, batch=32, rate=5e-4)
    return Lesson(
        kind="modular-judge",
        model=ModularPosts(config),
        settings=config.model_dump(mode="json"),
        collate=PartsCollator(Features(config, encoder)),
        objective=ModularObjective((TASK,), options.change, options.shuffle),
        training=training,
        splits=request.splits,
        card=_CARD.format(modules=", ".join(config.modules), harmless=config.harmless[0]),
    )


_CARD = (
    "Steps: {modules}. Harmless class: {harmless}. A state is rewritten by one module for each part that a post has, "
    "and read after every step; what is missing is a step not taken (MultiModN, arXiv 2309.14118). That a part is "
    "missing can still be learned where it tells the class: `alciato experiments run multimodn` measures how much."
)


@dataclass
class PartsCollator:
    """Examples to the tensors of the modules; each example is taken apart once."""

    features: Features
    _known: dict[str, PostParts] = field(default_factory=dict, repr=False)

    def __call__(self, examples: list[Example], generator: torch.Generator) -> dict[str, Any]:
        """Build `ids`, `inputs`, `present`, `targets`."""
        del generator
        tensors = self.features([self._parts(example) for example in examples])
        targets = {TASK: torch.tensor([example.number for example in examples])}
        ids = [example.id for example in examples]
        return {"ids": ids, "inputs": tensors.inputs, "present": tensors.present, "targets": targets}

    def decode(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Say what each example of a batch has, and what it lacks."""
        return [{"id": id_, **_told(self._known[id_], self.features.config.modules)} for id_ in batch["ids"]]

    def _parts(self, example: Example) -> PostParts:
        if example.id not in self._known:
            self._known[example.id] = parts_of_example(example, self.features.config)
        return self._known[example.id]


def parts_of_example(example: Example, config: PostsConfig) -> PostParts:
    """Take an example apart; the words on its picture are read by the text recognition that the settings name."""
    modules = config.modules
    picture = example.picture() if {"picture", "words"} & set(modules) else None
    runtime = default_runtime()
    lines: list[str] = []
    if picture is not None and "words" in modules and runtime.settings.models.ocr:
        found = runtime.load(runtime.settings.models.ocr, Ocr).recognise(picture)
        lines = [line.text for line in found if line.text]
    return PostParts(
        text_of(example.item), "\n".join(lines) or None, picture, numbers_of(example.item, config.columns) or None
    )


def columns_of(examples: Examples) -> tuple[Column, ...]:
    """Find the numbers of the metadata that most posts have, with mean and deviation; constant ones are left out.

    A field that says the label in other words is left out too: the judge would learn to read the answer.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    for example in examples:
        for name, value in numbers_of(example.item).items():
            found.setdefault(name, []).append((value, example.label))
    columns = {name: [value for value, _ in pairs] for name, pairs in found.items() if not _repeats_label(pairs)}
    return tuple(
        Column(name=name, mean=statistics.fmean(values), deviation=deviation)
        for name, values in sorted(columns.items())
        if len(values) >= FILLED * len(examples) and (deviation := statistics.pstdev(values)) > 0
    )


def _repeats_label(pairs: Sequence[tuple[float, str]]) -> bool:
    """Whether each value goes with one label and each label with one value."""
    return len(set(pairs)) == len({value for value, _ in pairs}) == len({label for _, label in pairs})


def _told(parts: PostParts, modules: Sequence[str]) -> dict[str, Any]:
    row = {module: getattr(parts, module) for module in modules}
    if parts.picture is not None and "picture" in row:
        row["picture"] = list(parts.picture.size)
    return {**row, "missing": parts.lacking(modules)}


def _harmless(named: str | None, examples: Examples) -> str:
    """Give the class that breaks nothing: as named, by its usual names, else the one with most examples."""
    if named is not None and named not in examples.classes:
        raise unknown_name("class", named, list(examples.classes))
    usual = [name for name in examples.classes if slug(name).removeprefix("class-") in HARMLESS]
    return named or (usual[0] if usual else Counter(example.label for example in examples).most_common(1)[0][0])


def _options(options: Mapping[str, Any]) -> ModularOptions:
    try:
        return ModularOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(place) for place in first["loc"])
        known = ", ".join(ModularOptions.model_fields)
        raise UsageError(f"option {name!r}: {first['msg']}.", remedy=f"Known: {known}.") from error


@dataclass(frozen=True)
class ModularObjective:
    """Cross-entropy after every step taken; figures of each task after its last step.

    Args:
        tasks: names of the tasks; the first one's figures stand without its name in front.
        change: weight of the penalty on changes of the state.
        shuffle: take the steps in a drawn order while training, so that any order will do later.
    """

    tasks: Sequence[str]
    change: float = 0.0
    shuffle: bool = False

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean loss of the batch, shape ()."""
        order = None
        if self.shuffle:
            names = list(batch["inputs"])
            order = [names[place] for place in torch.randperm(len(names)).tolist()]
        return modular_loss(_steps(model, batch, order), batch["targets"], self.change)

    def measure(self, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """`loss`, and for each task accuracy, balanced accuracy, F1 and AUROC where every class is there."""
        losses: list[float] = []
        logits: dict[str, list[Tensor]] = {task: [] for task in self.tasks}
        targets: dict[str, list[Tensor]] = {task: [] for task in self.tasks}
        for batch in batches:
            steps = _steps(model, batch)
            losses.append(float(modular_loss(steps, batch["targets"], self.change)))
            for task in self.tasks:
                labelled = batch["targets"][task] >= 0
                logits[task].append(final(steps.logits[task])[labelled].float())
                targets[task].append(batch["targets"][task][labelled])
        figures = {"loss": sum(losses) / len(losses)}
        for number, task in enumerate(self.tasks):
            found = classification_figures(torch.cat(logits[task]), torch.cat(targets[task]))
            figures |= {name if number == 0 else f"{task}_{name}": value for name, value in found.items()}
        return figures


def _steps(model: nn.Module, batch: Batch, order: Sequence[str] | None = None) -> Steps:
    steps: Steps = model(batch["inputs"], batch["present"], order)
    return steps
