"""A tiny experiment whose figures are written down: what the runner makes of them can be worked out by hand."""

from __future__ import annotations

from alciato.experiments import Expect, Experiment

FIGURES = {
    "old": (0.50, 0.60, 0.70, 0.55, 0.65),
    "new": (0.60, 0.72, 0.81, 0.64, 0.78),
}


def figures(seed, variant, posts=100, shift=0.0):
    return {"accuracy": FIGURES[variant][seed] + (shift if variant == "new" else 0.0), "posts": posts}


def declared(run=figures, **changes):
    fields = {
        "name": "fake",
        "paper": "2205.13268",
        "claim": "New is better than old.",
        "data": "Numbers that were written down.",
        "code": "alciato.read.fake",
        "variants": ("old", "new"),
        "baseline": "old",
        "figure": "accuracy",
        "expects": (Expect("new", "old"),),
        "supports": "new is ahead under every seed.",
        "refutes": "new is level or behind.",
        "small": {"posts": 3},
    }
    return Experiment(run=run, **{**fields, **changes})
