"""Experiments: a claim, its baseline, figures over seeds, and a verdict by a rule that was declared before.

An experiment is one file in `alciato/experiments/systems`. `alciato experiments list`, `run NAME`, `report`.
"""

from alciato.experiments.declaration import Expect, Experiment, experiment, experiments, find_experiment

__all__ = ["Expect", "Experiment", "experiment", "experiments", "find_experiment"]
