"""Runs an experiment: every variant under every seed, in parallel processes of one thread each, resumable.

Each finished (variant, seed) is written at once; the same command goes on from there, unless the source file or the
parameters of the experiment have changed.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from alciato.errors import AlciatoError
from alciato.experiments.declaration import Experiment, find_experiment
from alciato.experiments.results import Record, Result, conclude, identity, load_result
from alciato.progress import Progress, ProgressCallback, silent


def run_experiment(
    experiment: Experiment,
    *,
    seeds: int | None = None,
    small: bool = False,
    folder: Path | None = None,
    again: bool = False,
    processes: int | None = None,
    report: ProgressCallback = silent,
) -> Result:
    """Run all variants under seeds 0 to `seeds` - 1 and draw the conclusion.

    Args:
        experiment: what to run.
        seeds: how many; those of the experiment if None, 1 with `small`.
        small: the smallest parameters: shows that it runs, says nothing about the claim.
        folder: where the result is kept and resumed from; None: nowhere.
        again: forget what the folder holds.
        processes: how many at once; None: as cores and memory allow; 0: in this process.
        report: told how many runs are done.

    Raises:
        AlciatoError: a run failed or gave no finite figure; which one, and why.
    """
    count = seeds or (1 if small else experiment.seeds)
    parameters = {**experiment.parameters, **(experiment.small if small else {})}
    result = _start(experiment, parameters, folder, again=again)
    done = {(record.variant, record.seed) for record in result.records}
    wanted = [(variant, seed) for seed in range(count) for variant in experiment.variants]
    todo = [place for place in wanted if place not in done]
    report(Progress(experiment.name, len(wanted) - len(todo), len(wanted)))
    for number, record in enumerate(_records(experiment, todo, parameters, processes), len(wanted) - len(todo) + 1):
        result.records.append(record)
        if folder is not None:
            result.save(folder)
        report(Progress(experiment.name, number, len(wanted)))
    result.records = [record for record in result.records if (record.variant, record.seed) in wanted]
    conclude(experiment, result)
    if folder is not None:
        result.save(folder)
    return result


def run_once(name: str, variant: str, seed: int, parameters: dict[str, Any]) -> Record:
    """Run one variant under one seed, in this process.

    Raises:
        AlciatoError: it failed, or gave a figure that is no number.
    """
    return _record(find_experiment(name), variant, seed, parameters)


def _record(experiment: Experiment, variant: str, seed: int, parameters: dict[str, Any]) -> Record:
    place = f"{experiment.name}, variant {variant}, seed {seed}"
    start = time.perf_counter()
    figures = {name: float(value) for name, value in experiment.run(seed, variant, **parameters).items()}
    broken = [name for name, value in figures.items() if not math.isfinite(value)]
    if broken or experiment.figure not in figures:
        what = f"{broken[0]} is {figures[broken[0]]}" if broken else f"there is no figure {experiment.figure!r}"
        raise AlciatoError(f"{what}.", where=place, remedy="Every figure must be a finite number.")
    return Record(variant=variant, seed=seed, figures=figures, seconds=round(time.perf_counter() - start, 3))


def _start(experiment: Experiment, parameters: dict[str, Any], folder: Path | None, *, again: bool) -> Result:
    """Take up what the folder holds of the same experiment, or begin."""
    from alciato.learn.run_folder import environment

    known = identity(experiment, parameters)
    found = load_result(folder, experiment.name) if folder is not None and not again else None
    if found is not None and found.identity == known:
        return found
    names = ("name", "claim", "paper", "figure", "baseline", "supports", "refutes")
    declared = {name: getattr(experiment, name) for name in names}
    return Result(**declared, identity=known, parameters=parameters, environment=environment())


def _records(
    experiment: Experiment, todo: Sequence[tuple[str, int]], parameters: dict[str, Any], processes: int | None
) -> Iterator[Record]:
    workers = processes if processes is not None else _workers(experiment, len(todo))
    if workers < 1 or not todo:
        yield from (_record(experiment, variant, seed, parameters) for variant, seed in todo)
        return
    # A fresh interpreter for each worker: a forked one would inherit the locks of this one's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_one_thread) as pool:
        jobs = [pool.submit(run_once, experiment.name, variant, seed, parameters) for variant, seed in todo]
        try:
            for job in as_completed(jobs):
                yield job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _workers(experiment: Experiment, jobs: int) -> int:
    """As many as there are cores, as memory holds, and as there is to do; one is done in a process of its own too."""
    import psutil

    fitting = int(psutil.virtual_memory().available // (experiment.memory * 2**20))
    return max(1, min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
                      fitting, jobs))  # fmt: skip


def _one_thread() -> None:
    """Give a worker one thread: several experiments share the cores better than one experiment's threads do."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import torch

    torch.set_num_threads(1)
