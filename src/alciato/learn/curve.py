"""Metrics of a run over its steps, as Parquet and as a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from alciato.files import bytes_written_whole

SCHEMA = pa.schema(
    [
        ("step", pa.int64()),
        ("epoch", pa.float64()),
        ("split", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
    ]
)


class MetricRow(NamedTuple):
    """One metric after `step` steps and `epoch` passes, on `split` (`train` or `validation`)."""

    step: int
    epoch: float
    split: str
    metric: str
    value: float


def write_rows(path: Path, rows: Sequence[MetricRow]) -> None:
    """Write the rows as Parquet, atomically."""
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)
    with bytes_written_whole(path, "the metrics of the training") as file:
        parquet.write_table(table, file)


def read_rows(path: Path) -> list[MetricRow]:
    """Read the rows that `write_rows` wrote."""
    return [MetricRow(**row) for row in parquet.read_table(path).to_pylist()]


def plot(path: Path, rows: Sequence[MetricRow]) -> None:
    """Plot every metric over the steps, training and validation, as SVG or PNG by the extension."""
    import altair
    import vl_convert

    data = [row._asdict() for row in _thinned(rows) if math.isfinite(row.value)]
    line = (
        altair.Chart(altair.Data(values=data), width=360, height=140)
        .mark_line(point=len(data) < 200)
        .encode(
            x=altair.X("step:Q", title="step"),
            y=altair.Y("value:Q", title=None, scale=altair.Scale(zero=False)),
            color=altair.Color("split:N", title=None),
        )
    )
    chart: dict[str, Any] = line.facet(facet=altair.Facet("metric:N", title=None), columns=2)
    chart = chart.resolve_scale(y="independent").to_dict()  # type: ignore[attr-defined]
    if path.suffix == ".png":
        path.write_bytes(vl_convert.vegalite_to_png(chart, scale=2))
    else:
        path.write_text(vl_convert.vegalite_to_svg(chart), "utf-8")


def _thinned(rows: Sequence[MetricRow], most: int = 400) -> list[MetricRow]:
    """Keep every n-th row of each line, and the last one, so that the plot of a long run stays small."""
    lines: dict[tuple[str, str], list[MetricRow]] = {}
    for row in rows:
        lines.setdefault((row.split, row.metric), []).append(row)
    return [row for line in lines.values() for row in line[-1 :: -max(1, len(line) // most)][::-1]]
