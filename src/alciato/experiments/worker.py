"""One run of an experiment: a variant on a data set under a seed, in a process that imports nothing else."""

from __future__ import annotations

import math
import os
import time
from typing import Any

from alciato.errors import AlciatoError
from alciato.experiments.declaration import Experiment, find_experiment
from alciato.experiments.identity import PROJECT, loaded_code
from alciato.experiments.results import Record

Place = tuple[str, str, int]
"""Data set, variant, seed."""


def run_named(name: str, place: Place, parameters: dict[str, Any]) -> tuple[Record, dict[str, str]]:
    """Run an experiment of the registry; give the record and the code that made it."""
    return run_once(find_experiment(name), place, parameters)


def run_once(experiment: Experiment, place: Place, parameters: dict[str, Any]) -> tuple[Record, dict[str, str]]:
    """Run one variant on one data set under one seed, in this process.

    Raises:
        AlciatoError: it gave a metric that is no finite number, or not the declared metric.
    """
    dataset, variant, seed = place
    start = time.perf_counter()
    given = experiment.run(seed=seed, variant=variant, dataset=dataset, **parameters)
    metrics = {name: float(value) for name, value in given.items()}
    broken = [name for name, value in metrics.items() if not math.isfinite(value)]
    if broken or experiment.metric not in metrics:
        what = f"{broken[0]} is {metrics[broken[0]]}" if broken else f"there is no metric {experiment.metric!r}"
        where = f"{experiment.name}, {dataset}, variant {variant}, seed {seed}"
        raise AlciatoError(f"{what}.", where=where, remedy="Every metric must be a finite number.")
    seconds = round(time.perf_counter() - start, 3)
    return Record(dataset=dataset, variant=variant, seed=seed, metrics=metrics, seconds=seconds), loaded_code(
        *_projects(experiment)
    )


def _projects(experiment: Experiment) -> set[str]:
    """Give the packages whose code counts: Alciato's, and the one that the experiment comes from."""
    return {PROJECT, experiment.run.__module__.partition(".")[0]}


def limit_to_one_thread() -> None:
    """Give this process one thread: several runs share the cores better than one run's threads do."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import torch

    torch.set_num_threads(1)
