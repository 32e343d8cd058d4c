"""The folder of a trained part: what `trained:FOLDER` opens. Weights as safetensors, everything else JSON and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alciato.learn.checkpoint import save_weights
from alciato.learn.run_folder import PACKAGES, environment, write_json
from alciato.models.trained import CONFIG, FORMAT, WEIGHTS
from alciato.models.weights import file_hash

if TYPE_CHECKING:
    import torch

    from alciato.learn.lessons import Lesson, Taught


def save_trained(
    taught: Taught,
    strategy: str,
    lesson: Lesson,
    model: torch.nn.Module,
    settings: dict[str, Any],
    classes: Sequence[str],
) -> None:
    """Write weights, then configuration and card: a folder with a config.json is whole."""
    folder = taught.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).unlink(missing_ok=True)
    save_weights(folder / WEIGHTS, model)
    document = {
        "format": FORMAT,
        "kind": lesson.kind,
        "strategy": strategy,
        "classes": list(classes),
        "settings": settings,
        "weights": {"sha256": file_hash(folder / WEIGHTS), "bytes": (folder / WEIGHTS).stat().st_size},
        "training": lesson.training.model_dump(mode="json"),
        "figures": taught.figures,
        "counts": taught.counts,
        "skipped": taught.skipped,
    }
    (folder / "README.md").write_text(card(taught, strategy, lesson, model), "utf-8")
    write_json(folder / CONFIG, document)


def card(taught: Taught, strategy: str, lesson: Lesson, model: torch.nn.Module) -> str:
    """Write the model card: what it is, on what it was trained, how well it does, and what is not known."""
    size = sum(parameter.numel() for parameter in model.parameters())
    classes = list(next(iter(taught.counts.values())))
    table = [f"| split | {' | '.join(classes)} |", "| --- |" + " ---: |" * len(classes)]
    for split, counts in taught.counts.items():
        table.append(f"| {split} | {' | '.join(str(counts[name]) for name in classes)} |")
    left_out = ", ".join(f"{count} {reason}" for reason, count in taught.skipped.items()) or "nothing"
    figures = [f"| {name} | {value:.4f} |" for name, value in taught.figures.items()]
    where = environment()
    versions = ", ".join(f"{name} {where['packages'][name]}" for name in PACKAGES[:3])
    scope = (
        f"One run, seed {lesson.training.seed}, {taught.steps} steps; the curve is in `run/`. "
        "They say how it does on posts like these, not on others."
    )
    lines = [
        f"# {strategy}",
        f"A `{lesson.kind}` of {size:,} parameters, trained by Alciato. Use it as `trained:{taught.folder}`.",
        *([lesson.card] if lesson.card else []),
        "## Data",
        f"Source: `{lesson.splits.train.source or 'posts in memory'}`. Left out: {left_out}.",
        "\n".join(table),
        "## Figures on the test examples",
        "\n".join(["| figure | value |", "| --- | ---: |", *figures]),
        scope,
        "## Made with",
        f"{versions}, Python {where['python']}, {where['processor']}. Configuration: `config.json`.",
        "## Licence",
        "The weights have the licence that you give them; the data may set limits to it.",
    ]
    return "\n\n".join(lines) + "\n"
