"""The result of an experiment as one JSON file: metrics of every run, the code and the rule that they are of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alciato.errors import AlciatoError
from alciato.experiments.declaration import Experiment
from alciato.experiments.identity import changed


class Record(BaseModel):
    """Metrics of one variant on one data set under one seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dataset: str
    variant: str
    seed: int
    metrics: dict[str, float]
    seconds: float

    @property
    def place(self) -> tuple[str, str, int]:
        """Data set, variant and seed."""
        return self.dataset, self.variant, self.seed


class Result(BaseModel):
    """All runs of an experiment. Verdicts are not kept: they are made of the records by the declared rule."""

    model_config = ConfigDict(extra="forbid")
    name: str
    rule: str = Field(description="hash of the declared rule")
    parameters: dict[str, Any]
    code: dict[str, str] = Field(default_factory=dict, description="module or data file → hash")
    confirmed: list[str] = Field(
        default_factory=list, description="runs that gave the same figures again after the code had changed"
    )
    records: list[Record] = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Time of all runs together."""
        return sum(record.seconds for record in self.records)

    def add(self, record: Record, code: Mapping[str, str]) -> None:
        """Keep a record, and the code that made it.

        Raises:
            AlciatoError: it was made by other code than the earlier ones.
        """
        other = next((name for name, known in code.items() if self.code.get(name, known) != known), None)
        if other is not None:
            remedy = "Run it again with `--again`: figures of two versions are not mixed."
            raise AlciatoError(f"{other} was changed between two runs of {self.name}.", remedy=remedy)
        self.code = dict(sorted({**self.code, **code}.items()))
        self.records.append(record)

    def values(self, dataset: str, variant: str, metric: str) -> list[float]:
        """Figures of a variant on a data set, by seed."""
        rows = sorted((r for r in self.records if (r.dataset, r.variant) == (dataset, variant)), key=lambda r: r.seed)
        missing = next((record for record in rows if metric not in record.metrics), None)
        if missing is not None:
            known = ", ".join(missing.metrics)
            raise AlciatoError(f"{self.name} gave no metric {metric!r} for {variant}.", remedy=f"It gave: {known}.")
        return [record.metrics[metric] for record in rows]

    def metrics_of(self, dataset: str, variant: str) -> list[str]:
        """Names of the metrics that every run of a variant on a data set gave."""
        rows = [record.metrics for record in self.records if (record.dataset, record.variant) == (dataset, variant)]
        return [name for name in rows[0] if all(name in row for row in rows)] if rows else []

    def save(self, folder: Path) -> Path:
        """Write `folder/NAME.json`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n", "utf-8")
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


def staleness(experiment: Experiment, result: Result) -> list[str]:
    """Say why a result no longer speaks of the experiment as it stands; nothing where it does."""
    found = []
    if result.rule != experiment.rule:
        found.append("the declared rule was changed")
    modules = changed(result.code)
    if modules or not result.code:
        found.append(f"changed since: {_listed(modules) or 'all code'}")
    return found


def shortcomings(experiment: Experiment, result: Result) -> list[str]:
    """Say why a result is no measurement: stale, other parameters, or runs that are missing."""
    found = staleness(experiment, result)
    declared = json.loads(json.dumps(experiment.parameters))  # as a result holds them: tuples are lists
    if result.parameters != declared:
        found.append("not the full parameters")
    missing = set(experiment.runs) - {record.place for record in result.records}
    if missing:
        found.append(f"{len(missing)} of {len(experiment.runs)} runs are missing")
    return found


def _listed(names: Iterable[str], most: int = 3) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
