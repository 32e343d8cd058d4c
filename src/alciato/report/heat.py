"""Where a meme detector looked: its heat map as translucent cells over a picture of the report, and its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alciato.item import Finding, Reading

STRONGEST, FAINTEST = 0.7, 0.03
"""Opacity of a cell that has all the heat; cells fainter than the second are left out."""


@dataclass(frozen=True)
class HeatCell:
    """A cell of the heat map, in pixels of the picture, and how opaque it is drawn, 0..1."""

    left: float
    top: float
    width: float
    height: float
    opacity: float


@dataclass(frozen=True)
class HeatMap:
    """Score of the detector, 0..1, and its heat map; no cells where the model gives none."""

    score: float
    cells: tuple[HeatCell, ...]


def heat_over(readings: Sequence[Reading], part: int, second: float | None, width: int, height: int) -> HeatMap | None:
    """Give the heat map of a picture, or of a clip's shot at a second; None where no detector has looked."""
    findings = [f for reading in readings if (reading.part, reading.kind) == (part, "meme") for f in reading.findings]
    if not findings:
        return None
    before = [finding for finding in findings if second is None or (finding.start or 0.0) <= second]
    shown = before[-1] if before else findings[0]
    return HeatMap(shown.confidence or 0.0, _cells(shown, width, height))


def _cells(finding: Finding, width: int, height: int) -> tuple[HeatCell, ...]:
    """Cells above an even look at everything; the more even the look, the fainter they all are."""
    rows = finding.heat or ()
    values = [value for row in rows for value in row]
    if not values or max(values) <= 0:
        return ()
    even, hottest, tall = sum(values) / len(values), max(values), height / len(rows)
    cells = [
        HeatCell(x * width / len(row), y * tall, width / len(row), tall, round(STRONGEST * (value - even) / hottest, 3))
        for y, row in enumerate(rows)
        for x, value in enumerate(row)
    ]
    return tuple(cell for cell in cells if cell.opacity >= FAINTEST)
