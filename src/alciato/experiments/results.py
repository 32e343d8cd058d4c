"""The result of an experiment as one JSON file: figures of every variant and seed, what follows, where it ran."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alciato.errors import AlciatoError
from alciato.experiments.declaration import Experiment
from alciato.experiments.statistics import Outcome, outcome, paired, spread, together

FOLDER = Path("docs/results")
"""Where committed results are, from the root of the repository."""


class Record(BaseModel):
    """Figures of one variant under one seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    variant: str
    seed: int
    figures: dict[str, float]
    seconds: float


class Summary(BaseModel):
    """One variant over its seeds; the difference to the baseline is paired by seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    variant: str
    seeds: int
    mean: float
    deviation: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


class Comparison(BaseModel):
    """One inequality of the claim, and how it went."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sentence: str
    difference: float
    low: float | None
    high: float | None
    outcome: Outcome


class Result(BaseModel):
    """All of an experiment. `identity` is the hash of its source file and parameters."""

    model_config = ConfigDict(extra="forbid")
    name: str
    claim: str
    paper: str
    figure: str
    baseline: str
    supports: str
    refutes: str
    identity: str
    parameters: dict[str, Any]
    records: list[Record] = Field(default_factory=list)
    summaries: list[Summary] = Field(default_factory=list)
    metrics: dict[str, dict[str, float]] = Field(default_factory=dict, description="variant → mean of each metric")
    comparisons: list[Comparison] = Field(default_factory=list)
    verdict: Outcome | None = None
    seconds: float = 0.0
    environment: dict[str, Any] = Field(default_factory=dict)

    def save(self, folder: Path) -> Path:
        """Write `folder/NAME.json`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        draft = path.with_name(f".{path.name}.draft")
        document = self.model_dump(mode="json")
        draft.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
        draft.replace(path)
        return path


def load_result(folder: Path, name: str) -> Result | None:
    """Read a result; None if there is none yet. Raises `AlciatoError` for a file that is not one."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    try:
        return Result.model_validate_json(path.read_text("utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        remedy = "Delete it and run the experiment again."
        raise AlciatoError("the file is not a result of an experiment.", where=str(path), remedy=remedy) from error


def identity(experiment: Experiment, parameters: dict[str, Any]) -> str:
    """Hash of the file that declares the experiment and of its parameters."""
    numbers = json.dumps(parameters, sort_keys=True, default=str)
    return hashlib.sha256(experiment.source.read_bytes() + numbers.encode()).hexdigest()[:16]


def conclude(experiment: Experiment, result: Result) -> None:
    """Work out summaries, comparisons and the verdict from the records."""
    result.records.sort(key=lambda record: (experiment.variants.index(record.variant), record.seed))
    result.seconds = round(sum(record.seconds for record in result.records), 3)
    result.summaries = [_summary(experiment, result, variant) for variant in experiment.variants]
    result.metrics = {variant: _means(result, variant) for variant in experiment.variants}
    result.comparisons = []
    for expect in experiment.expects:
        metric = expect.metric or experiment.figure
        sign = -1 if expect.lower else 1
        better, worse = (
            [sign * value for value in _column(result, side, metric)] for side in (expect.variant, expect.than)
        )
        found = paired(better, worse)
        result.comparisons.append(
            Comparison(
                sentence=expect.sentence(experiment.figure),
                difference=found.mean,
                low=found.low,
                high=found.high,
                outcome=outcome(found, expect.by),
            )
        )
    result.verdict = together([comparison.outcome for comparison in result.comparisons])


def _summary(experiment: Experiment, result: Result, variant: str) -> Summary:
    values = _column(result, variant, experiment.figure)
    summary = Summary(variant=variant, seeds=len(values), mean=sum(values) / len(values), deviation=spread(values))
    if variant == experiment.baseline:
        return summary
    found = paired(values, _column(result, experiment.baseline, experiment.figure))
    return summary.model_copy(update={"difference": found.mean, "low": found.low, "high": found.high})


def _means(result: Result, variant: str) -> dict[str, float]:
    rows = [record.figures for record in result.records if record.variant == variant]
    names = [name for name in rows[0] if all(name in row for row in rows)]
    return {name: sum(row[name] for row in rows) / len(rows) for name in names}


def _column(result: Result, variant: str, metric: str) -> list[float]:
    """Figures of a variant, by seed."""
    rows = [record for record in result.records if record.variant == variant]
    missing = next((record for record in rows if metric not in record.figures), None)
    if missing is not None:
        known = ", ".join(missing.figures)
        raise AlciatoError(f"{result.name} gave no figure {metric!r} for {variant}.", remedy=f"It gave: {known}.")
    return [record.figures[metric] for record in rows]
