"""MultiModN: modules in sequence against parallel fusion, where a modality is missing and that tells the class.

In training the middle module is missing for a share of class 1; in the test nothing is missing, or the same share of
class 0 lacks it (flipped). A model that learned "missing means class 1" falls when that is turned round.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from alciato.experiments import Expect, experiment

if TYPE_CHECKING:
    import torch

    from alciato.experiments.data.blocks import Blocks
    from alciato.world import Split

SHARES = (0.0, 0.4, 0.8)
FUSIONS: dict[str, dict[str, bool | float]] = {
    "fusion zeros": {},
    "fusion mask": {"mask": True},
    "fusion dropout": {"lose": 0.3},
}


@experiment(
    name="multimodn",
    paper="2309.14118",
    claim="A sequence of modules keeps its performance where missingness that tells the class is turned round and "
    "parallel fusion fails, and loses nothing when all is present.",
    data="Composed posts (words, name on the picture, thumbnail; two tasks), and breast cancer and digits of "
    "scikit-learn cut into three blocks; 40 % and 80 % of class 1 lack the middle block in training.",
    code="alciato.nets.modular",
    variants=("modular", "modular whole batch", "modular shuffled", *FUSIONS),
    baseline="fusion zeros",
    figure="drop_80",
    lower=True,
    expects=(
        Expect("modular", "fusion zeros", "auroc_all_present", by=-0.02),
        Expect("modular", "fusion zeros", "drop_80", by=0.1, lower=True),
    ),
    supports="With all present the modular judge is not worse by more than 0.02 AUROC; with 80 % missing it loses at "
    "least 0.1 less than fusion with zeros when the missingness is flipped.",
    refutes="It loses as much as parallel fusion when flipped, or is worse with all present.",
    small={"posts": 60, "tables": ("breast_cancer",), "epochs": 1},
)
def multimodn(
    seed: int,
    variant: str,
    posts: int = 2000,
    tables: tuple[str, ...] = ("breast_cancer", "digits"),
    epochs: int = 15,
) -> dict[str, float]:
    """Mean figures over the data sets; AUROC is the mean over the tasks of one."""
    import numpy as np

    found: list[dict[str, float]] = []
    for name in ("posts", *tables):
        splits = _splits(name, posts, seed)
        found.append(_one_set(splits, variant, seed, epochs))
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]} | {
        f"drop_80_{name}": one["drop_80"] for name, one in zip(("posts", *tables), found, strict=True)
    }


@lru_cache(maxsize=4)
def _splits(name: str, posts: int, seed: int) -> dict[Split, Blocks]:
    from alciato.experiments.data.blocks import post_blocks, table_blocks

    if name == "posts":
        return post_blocks({"train": posts, "validation": posts // 6, "test": posts // 3}, seed)
    return table_blocks(name, seed)


def _one_set(splits: Mapping[Split, Blocks], variant: str, seed: int, epochs: int) -> dict[str, float]:
    """Train without and with missingness; test with all present and flipped."""
    train = splits["train"]
    module, task = list(train.inputs)[len(train.inputs) // 2], next(iter(train.targets))
    figures = {}
    for share in SHARES:
        lacking = {s: splits[s].lacking(module, task, 1, share, seed + 1) for s in ("train", "validation")}
        model = _fitted(lacking["train"], lacking["validation"], variant, seed, epochs)
        full = _auroc(model, splits["test"])
        if share == 0:
            figures["auroc_all_present"] = full
            continue
        flipped = _auroc(model, splits["test"].lacking(module, task, 0, share, seed + 2))
        figures |= {f"auroc_full_{share * 100:.0f}": full, f"auroc_flipped_{share * 100:.0f}": flipped}
        figures[f"drop_{share * 100:.0f}"] = full - flipped
    return figures


def _fitted(train: Blocks, validation: Blocks, variant: str, seed: int, epochs: int) -> torch.nn.Module:
    from alciato.experiments.data.blocks import collate
    from alciato.learn import Trainer, TrainingConfig, seed_everything
    from alciato.learn.objectives import ModularObjective

    seed_everything(seed)
    model = _model(train, variant)
    config = TrainingConfig(seed=seed, epochs=epochs, batch_size=32, learning_rate=1e-3, device="cpu")
    objective = ModularObjective(tuple(train.targets), shuffle=variant == "modular shuffled")
    return Trainer(config).fit(model, train, collate, objective, validation).model


def _model(blocks: Blocks, variant: str) -> torch.nn.Module:
    """Build a variant; fusions get as many weights as the modular judge, within the step of one hidden unit."""
    from alciato.experiments.data.fusion import fusion_of_size
    from alciato.nets.modular import ModularConfig, ModularJudge

    widths = {name: values.shape[1] for name, values in blocks.inputs.items()}
    tasks = {name: int(labels.max()) + 1 for name, labels in blocks.targets.items()}
    judge = ModularJudge(ModularConfig(modules=widths, tasks=tasks, whole_batch=variant == "modular whole batch"))
    if variant.startswith("modular"):
        return judge
    weights = sum(parameter.numel() for parameter in judge.parameters())
    return fusion_of_size(widths, tasks, weights, **FUSIONS[variant])


def _auroc(model: torch.nn.Module, blocks: Blocks) -> float:
    """Mean AUROC over the tasks, after the last step."""
    import numpy as np

    from alciato.experiments.data.blocks import collate
    from alciato.learn import held_out, measure
    from alciato.learn.objectives import ModularObjective

    tasks = tuple(blocks.targets)
    figures = measure(model, held_out(blocks, collate, 64), ModularObjective(tasks))
    names = ["auroc", *(f"{task}_auroc" for task in tasks[1:])]
    return float(np.mean([figures[name] for name in names]))
