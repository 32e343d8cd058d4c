"""Tables that packages ship, as named series: vega_datasets and scikit-learn, read from their files."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from alciato.errors import MissingPackage
from alciato.world.draw import Pool


class Series(NamedTuple):
    """Values by label: what is measured, over what; `ordered` where the labels have an order, such as years."""

    title: str
    over: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    ordered: bool


@cache
def series() -> Pool[Series]:
    """All series. Raises `MissingPackage`."""
    return Pool("series", [*_by_year(), *_by_group(), *_flowers_and_wines()], key=lambda one: one.title)


def _by_year() -> Iterable[Series]:
    wheat = _rows("wheat.json")
    yield _ordered("Price of wheat", "year", ((row["year"], row["wheat"]) for row in wheat))
    yield _ordered("Wages a week", "year", ((row["year"], row["wages"]) for row in wheat if row.get("wages")))
    driving = _rows("driving.json")
    yield _ordered("Miles driven", "year", ((row["year"], row["miles"]) for row in driving))
    yield _ordered("Price of gas", "year", ((row["year"], row["gas"]) for row in driving))
    power = _rows("iowa-electricity.csv")
    for source in ("Fossil Fuels", "Nuclear Energy", "Renewables"):
        mine = [row for row in power if row["source"] == source]
        yield _ordered(f"Electricity: {source}", "year", ((row["year"][:4], row["net_generation"]) for row in mine))
    crimea = _rows("crimea.json")
    for cause in ("wounds", "disease"):
        yield _ordered(f"Crimea: {cause}", "month", ((row["date"][2:7], row[cause]) for row in crimea))
    for symbol in ("MSFT", "AMZN", "IBM", "AAPL"):
        mine = [row for row in _rows("stocks.csv") if row["symbol"] == symbol and row["date"].startswith("Jan")]
        yield _ordered(f"Share of {symbol}", "year", ((row["date"][-4:], row["price"]) for row in mine))
    weather = [row | {"month": row["date"][5:7]} for row in _rows("seattle-weather.csv")]
    for column, name in (("precipitation", "Rain"), ("temp_max", "Warmest hour"), ("wind", "Wind")):
        yield _means(f"Seattle: {name}", "month", weather, "month", column, ordered=True)


def _by_group() -> Iterable[Series]:
    barley, cars = _rows("barley.json"), _rows("cars.json")
    yield _means("Yield of barley", "site", barley, "site", "yield")
    yield _means("Barley by variety", "variety", barley, "variety", "yield")
    for column, name in (
        ("Horsepower", "Horsepower"),
        ("Miles_per_Gallon", "Miles a gallon"),
        ("Weight_in_lbs", "Weight of cars"),
    ):
        yield _means(name, "origin", cars, "Origin", column)
        yield _means(f"{name}, cylinders", "cylinders", cars, "Cylinders", column, ordered=True)


def _flowers_and_wines() -> Iterable[Series]:
    flowers = _rows("iris.json")
    for column, name in (("petalLength", "Petal length"), ("sepalWidth", "Sepal width"), ("petalWidth", "Petal width")):
        yield _means(name, "iris", flowers, "species", column)
    wines = _sklearn("wine_data.csv")
    for place, name in ((0, "Alcohol"), (9, "Colour of wine"), (6, "Flavanoids")):
        yield _means(name, "wine", [{"wine": f"wine {row[-1]}", "value": row[place]} for row in wines], "wine", "value")


def _ordered(title: str, over: str, pairs: Iterable[tuple[Any, Any]]) -> Series:
    labels, values = zip(*pairs, strict=True)
    return Series(title, over, tuple(map(str, labels)), tuple(round(float(value), 2) for value in values), ordered=True)


def _means(
    title: str, over: str, rows: Iterable[Mapping[str, Any]], by: str, column: str, *, ordered: bool = False
) -> Series:
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.get(column) not in (None, ""):
            groups[str(row[by])].append(float(row[column]))
    labels = sorted(groups)
    values = (round(sum(groups[label]) / len(groups[label]), 2) for label in labels)
    return Series(title, over, tuple(labels), tuple(values), ordered)


def _rows(file: str) -> list[dict[str, Any]]:
    path = _folder("vega_datasets") / "_data" / file
    if path.suffix == ".json":
        return list(json.loads(path.read_text("utf-8")))
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _sklearn(file: str) -> list[list[str]]:
    with (_folder("sklearn") / "datasets" / "data" / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened))[1:]


def _folder(module: str) -> Path:
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise MissingPackage(f"tables come with {module}.", remedy='pip install "alciato[world]"')
    return Path(found.submodule_search_locations[0])
