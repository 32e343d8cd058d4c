"""Runs an experiment: every variant on every data set under every seed, in processes of one thread each, resumable.

Each finished run is written at once; the same command goes on from there, unless the code, the rule or the parameters
have changed: then it begins anew. `confirm` is for code that changed without a change of figures.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from random import Random
from typing import Any

from alciato.errors import AlciatoError
from alciato.experiments.declaration import EXPERIMENTS, Experiment
from alciato.experiments.identity import JUDGING, hashes_of
from alciato.experiments.results import Record, Result, load_result, shortcomings, staleness
from alciato.experiments.worker import Place, limit_to_one_thread, run_named, run_once
from alciato.progress import Progress, ProgressCallback, silent

Made = tuple[Record, dict[str, str]]
"""A record and the code that made it."""
SAME = 1e-6
"""Figures that differ by less are the same figures."""


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
    """Run all variants on all data sets under seeds 0 to `seeds` - 1.

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
    wanted = experiment.runs_of(count)
    result.records = [record for record in result.records if record.place in wanted]
    done = {record.place for record in result.records}
    todo = [place for place in wanted if place not in done]
    report(Progress(experiment.name, len(done), len(wanted)))
    for number, made in enumerate(_made(experiment, todo, parameters, processes), len(done) + 1):
        result.add(*made)
        _save(result, folder)
        report(Progress(experiment.name, number, len(wanted)))
    result.records.sort(key=lambda record: wanted.index(record.place))
    _save(result, folder)
    return result


def confirm(
    experiment: Experiment, folder: Path, *, processes: int | None = None, report: ProgressCallback = silent
) -> Result:
    """Run a random seed of every variant and data set again; where all figures are the same, the result counts again.

    It is for a result that is stale because code was changed that makes no difference to it.

    Raises:
        AlciatoError: there is no full result, its rule was changed, or a figure is another now.
    """
    result = load_result(folder, experiment.name)
    if (
        result is None
        or result.rule != experiment.rule
        or set(shortcomings(experiment, result)) - set(staleness(experiment, result))
    ):
        raise AlciatoError(f"there is no full result of {experiment.name} to confirm.", remedy="Run it as a whole.")
    known = {record.place: record for record in result.records}
    chance = Random(repr(sorted(result.code.items())))  # noqa: S311 - a choice of runs, not a secret
    places = [(data, variant, chance.randrange(experiment.seeds)) for data, variant, seed in known if seed == 0]
    code: dict[str, str] = hashes_of(list(JUDGING))
    for number, (record, loaded) in enumerate(_made(experiment, places, result.parameters, processes), 1):
        _check_same(experiment, known[record.place], record)
        code |= loaded
        report(Progress(f"confirm {experiment.name}", number, len(places)))
    result.code = dict(sorted(code.items()))
    result.confirmed = [", ".join(map(str, place)) for place in places]
    _save(result, folder)
    return result


def run_pilot(
    experiment: Experiment, folder: Path, *, processes: int | None = None, report: ProgressCallback = silent
) -> Path:
    """Run the two sides of the primary comparison on the pilot's seeds and data sets; write `folder/NAME.json`.

    Raises:
        AlciatoError: the experiment declares no pilot.
    """
    if experiment.pilot is None:
        raise AlciatoError(f"{experiment.name} declares no pilot.", remedy="Name its seeds in the declaration.")
    sides = dict.fromkeys((experiment.primary.variant, experiment.primary.than))
    pilot = experiment.pilot
    places = [(data, side, seed) for data in pilot.effect for seed in pilot.seeds for side in sides]
    rows: dict[Place, dict[str, Any]] = {}
    for number, (record, _) in enumerate(_made(experiment, places, experiment.parameters, processes), 1):
        metrics = {name: round(value, 4) for name, value in record.metrics.items()}
        rows[record.place] = record.model_dump(include={"dataset", "variant", "seed"}) | {"metrics": metrics}
        report(Progress(f"pilot of {experiment.name}", number, len(places)))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment.name}.json"
    path.write_text(json.dumps([rows[place] for place in places], ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def _check_same(experiment: Experiment, known: Record, now: Record) -> None:
    for name, value in known.metrics.items():
        other = now.metrics.get(name)
        if other is None or abs(other - value) > SAME:
            raise AlciatoError(
                f"{name} was {value:.6f} and is {other if other is None else f'{other:.6f}'} now.",
                where=f"{experiment.name}, {', '.join(map(str, known.place))}",
                remedy="The code changed the figures: run the experiment again as a whole.",
            )


def _start(experiment: Experiment, parameters: dict[str, Any], folder: Path | None, *, again: bool) -> Result:
    """Take up what the folder holds of the same experiment, or begin."""
    from alciato.learn.run_folder import environment

    found = load_result(folder, experiment.name) if folder is not None and not again else None
    fresh = Result(name=experiment.name, rule=experiment.rule, parameters=parameters)
    fresh = Result.model_validate_json(fresh.model_dump_json())  # as it is read: tuples are lists
    if found is not None and found.parameters == fresh.parameters and not staleness(experiment, found):
        return found
    fresh.code, fresh.environment = hashes_of(list(JUDGING)), environment()
    return fresh


def _save(result: Result, folder: Path | None) -> None:
    if folder is not None:
        result.save(folder)


def _made(
    experiment: Experiment, todo: Sequence[Place], parameters: dict[str, Any], processes: int | None
) -> Iterator[Made]:
    workers = processes if processes is not None else _workers(experiment, len(todo))
    if workers < 1 or not todo or experiment.name not in EXPERIMENTS:
        yield from (run_once(experiment, place, parameters) for place in todo)
        return
    # A fresh interpreter for each worker: a forked one would inherit the locks of this one's threads, and its modules.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=limit_to_one_thread) as pool:
        jobs = [pool.submit(run_named, experiment.name, place, parameters) for place in todo]
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
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, fitting, jobs))
