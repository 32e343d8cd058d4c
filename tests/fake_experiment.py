"""A tiny experiment whose figures are written down: what the runner makes of them can be worked out by hand."""

from __future__ import annotations

from typing import Any

from alciato.experiments import Comparison, Experiment

FIGURES = {
    "old": (0.50, 0.60, 0.70, 0.55, 0.65),
    "new": (0.60, 0.72, 0.81, 0.64, 0.78),
}


def figures(seed, variant, dataset, posts=100, shift=0.0):
    """Accuracy as written down; on the data set `hard` everything is 0.1 lower."""
    lower = 0.1 if dataset == "hard" else 0.0
    accuracy = FIGURES[variant][seed] - lower + (shift if variant == "new" else 0.0)
    return {"accuracy": accuracy, "loss": 1 - accuracy, "posts": posts}


def declared(run=figures, **changes: Any) -> Experiment:
    """Declare the experiment; `changes` are fields of the declaration."""
    fields: dict[str, Any] = {
        "name": "fake",
        "paper": "2205.13268",
        "claim": "New is better than old.",
        "data": "Numbers that were written down.",
        "code": "alciato.read.fake",
        "datasets": ("easy",),
        "variants": ("old", "new"),
        "baseline": "old",
        "metric": "accuracy",
        "primary": Comparison("new", "old", "accuracy", 0.02, "less is not seen"),
        "varies": "Seeds vary nothing; n = 5.",
        "small": {"posts": 3},
    }
    return Experiment(run=run, **{**fields, **changes})
