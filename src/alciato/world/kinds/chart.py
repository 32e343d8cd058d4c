"""Chart with its data: bars, lines or points of a real table, drawn by us, so that every mark's place is known.

A question comes with it: the value at a label, or which label has the largest or the smallest value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw
from pydantic import Field

from alciato.item import Box, Table, Text
from alciato.world.concepts import COLOURS, Colour
from alciato.world.draw import Draw
from alciato.world.post import Composition, Line, Truth
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.tables import Series, series
from alciato.world.writing import BOLD, fitted, write

Design = Literal["bar", "line", "scatter"]
MARGIN = Box(0.15, 0.14, 0.03, 0.17)
"""Shares of the side left free around the marks."""


class Point(NamedTuple):
    """One value: its label, and the box of its mark."""

    label: str
    value: float
    box: Box


class ChartTruth(Truth):
    """A chart: design, data, marks, words, and a question with its answer."""

    design: Design
    title: str
    over: str
    colour: str
    highest: float
    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    question: str
    answer: str


class ChartOptions(Options):
    """Options of charts."""

    size: int = Field(256, ge=128, le=2048, description="pixels of a side")
    design: Design | None = Field(None, description="this design only")
    points: Bounds = Field((3, 7), description="fewest and most values")
    data: bool = Field(False, description="add the data as a table part")


def compose(draw: Draw, options: ChartOptions) -> Sequence[Composition]:
    """Draw one chart."""
    source = draw.one(series())
    labels, values = _cut(draw, source, options.points)
    designs: tuple[Design, ...] = ("bar", "line", "scatter") if source.ordered else ("bar",)
    design: Design = draw.pick(designs) if options.design is None else options.design
    colour = draw.pick([name for name in COLOURS if name != "yellow"])
    picture = Image.new(
        "RGB", (options.size, options.size), draw.pick(((255, 255, 255), (250, 248, 240), (242, 246, 250)))
    )
    top = _round_up(max(values))
    boxes = _marks(picture, design, COLOURS[colour], [value / top for value in values])
    lines = _written(picture, source, labels, top)
    question, answer = _question(draw, source, labels, values)
    truth = ChartTruth(
        design=design,
        title=source.title,
        over=source.over,
        colour=colour,
        highest=top,
        points=tuple(map(Point, labels, values, boxes)),
        lines=tuple(lines),
        question=question,
        answer=answer,
    )
    table = Table(columns=(source.over, source.title), rows=tuple(zip(labels, values, strict=True)), name="data")
    content = (picture, Text(text=question, name="question"), *((table,) if options.data else ()))
    return [Composition(content, truth, design)]


def _cut(draw: Draw, source: Series, bounds: tuple[int, int]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Take some neighbouring values of a series."""
    count = min(draw.whole(*bounds), len(source.labels))
    start = draw.whole(0, len(source.labels) - count)
    return source.labels[start : start + count], source.values[start : start + count]


def _round_up(value: float) -> float:
    """The end of the axis: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next((step * power for step in (1, 2, 5, 10) if step * power >= value), value)


def _marks(picture: Image.Image, design: Design, colour: Colour, shares: Sequence[float]) -> list[Box]:
    """Draw axes and marks; give the box of each mark."""
    side, paper = picture.width, ImageDraw.Draw(picture)
    left, top, right, bottom = (
        MARGIN.left * side,
        MARGIN.top * side,
        side * (1 - MARGIN.right),
        side * (1 - MARGIN.bottom),
    )
    for line in range(5):
        y = bottom - (bottom - top) * line / 4
        paper.line((left, y, right, y), fill=(210, 210, 214))
    paper.line((left, top, left, bottom, right, bottom), fill=(60, 60, 64), width=max(1, side // 160))
    step = (right - left) / len(shares)
    middles = [(left + step * (place + 0.5), bottom - (bottom - top) * share) for place, share in enumerate(shares)]
    if design == "bar":
        boxes = [Box(x - step * 0.36, min(y, bottom - 1), x + step * 0.36, bottom) for x, y in middles]
        for box in boxes:
            paper.rectangle(box, fill=colour, outline=(40, 40, 44))
        return boxes
    if design == "line":
        paper.line(middles, fill=colour, width=max(2, side // 64), joint="curve")
    radius = max(3, side // (48 if design == "line" else 32))
    boxes = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in middles]
    for box in boxes:
        paper.ellipse(box, fill=colour, outline=(40, 40, 44))
    return boxes


def _written(picture: Image.Image, source: Series, labels: Sequence[str], top: float) -> list[Line]:
    """Write the title, the labels below the marks, and the values beside the axis."""
    side = picture.width
    left, right, bottom = MARGIN.left * side, side * (1 - MARGIN.right), side * (1 - MARGIN.bottom)
    face = fitted(source.title, side // 14, int(side * 0.94), BOLD)
    lines = [write(picture, source.title, (side / 2, side * 0.01), face, role="title")]
    step = (right - left) / len(labels)
    for place, label in enumerate(labels):
        face = fitted(label, side // 20, int(step * 0.9))
        lines.append(write(picture, label, (left + step * (place + 0.5), bottom + side * 0.01), face, role="label"))
    name = fitted(source.over, side // 20, side // 2)
    lines.append(write(picture, source.over, (side / 2, side * 0.915), name, role="axis"))
    for share in (0.0, 0.5, 1.0):
        told = f"{top * share:g}"
        y = bottom - (bottom - MARGIN.top * side) * share - side / 30
        lines.append(
            write(picture, told, (left - 3, y), fitted(told, side // 22, int(left) - 4), role="value", align="right")
        )
    return lines


def _question(draw: Draw, source: Series, labels: Sequence[str], values: Sequence[float]) -> tuple[str, str]:
    form = draw.pick(("value", "largest", "smallest"))
    if form == "value" or len(set(values)) < len(values):
        place = draw.whole(0, len(labels) - 1)
        return f"{source.title}: what is the value at {labels[place]}?", f"{values[place]:g}"
    wanted = max(values) if form == "largest" else min(values)
    return f"{source.title}: which {source.over} has the {form} value?", labels[values.index(wanted)]


KIND = Kind("chart", "Bars, lines or points of a real table, with the data.", compose, ChartTruth, ChartOptions)
