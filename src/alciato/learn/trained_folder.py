"""Writes the folder of a trained model, which `trained:FOLDER` opens: weights, configuration and model card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alciato.learn.checkpoint import save_weights
from alciato.learn.run_folder import PACKAGES, environment, write_json
from alciato.models.trained import CONFIG, FORMAT, WEIGHTS
from alciato.models.weights import file_hash

if TYPE_CHECKING:
    import torch

    from alciato.learn.training import TrainingPlan, TrainingResult


def save_trained(result: TrainingResult, plan: TrainingPlan, model: torch.nn.Module, settings: dict[str, Any]) -> None:
    """Write weights and card, then the configuration: a folder with a config.json is complete."""
    folder = result.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).unlink(missing_ok=True)
    save_weights(folder / WEIGHTS, model)
    document = {
        "format": FORMAT,
        "kind": plan.kind,
        "strategy": plan.strategy,
        "classes": list(plan.splits.train.classes),
        "settings": settings,
        "weights": {"sha256": file_hash(folder / WEIGHTS), "bytes": (folder / WEIGHTS).stat().st_size},
        "training": plan.training.model_dump(mode="json"),
        "metrics": result.metrics,
        "counts": result.counts,
        "skipped": result.skipped,
        "warnings": list(result.warnings),
    }
    (folder / "README.md").write_text(card(result, plan, model), "utf-8")
    write_json(folder / CONFIG, document)


def card(result: TrainingResult, plan: TrainingPlan, model: torch.nn.Module) -> str:
    """Write the model card: mechanism, data, metrics and limits."""
    size = sum(parameter.numel() for parameter in model.parameters())
    classes = list(next(iter(result.counts.values())))
    table = [f"| split | {' | '.join(classes)} |", "| --- |" + " ---: |" * len(classes)]
    for split, counts in result.counts.items():
        table.append(f"| {split} | {' | '.join(str(counts[name]) for name in classes)} |")
    left_out = ", ".join(f"{count} {reason}" for reason, count in result.skipped.items()) or "nothing"
    rows = [f"| {name} | {value:.4f} |" for name, value in result.metrics.items()]
    metrics = "None: the test split is too small."
    if rows:
        metrics = "\n".join(["| metric | value |", "| --- | ---: |", *rows])
    where = environment()
    versions = ", ".join(f"{name} {where['packages'][name]}" for name in PACKAGES[:3])
    scope = (
        f"One run, seed {plan.training.seed}, {result.steps} steps; the curve is in `run/`. "
        "The metrics hold for posts like these, not for others."
    )
    lines = [
        f"# {plan.strategy}",
        f"A `{plan.kind}` of {size:,} parameters, trained by Alciato. Use it as `trained:{result.folder}`.",
        *([plan.card] if plan.card else []),
        "## Data",
        f"Source: `{plan.splits.train.source or 'posts in memory'}`. Left out: {left_out}.",
        "\n".join(table),
        *(["## Warnings", "\n".join(f"- {warning}." for warning in result.warnings)] if result.warnings else []),
        "## Metrics on the test examples",
        metrics,
        scope,
        "## Made with",
        f"{versions}, Python {where['python']}, {where['processor']}. Configuration: `config.json`.",
        "## Licence",
        "You choose the licence of the weights; the licences of the data may restrict it.",
    ]
    return "\n\n".join(lines) + "\n"
