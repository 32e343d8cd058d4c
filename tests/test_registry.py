"""The registry: lazy imports, taken names, plug-ins by entry point, and options that forbid unknown keys."""

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from alciato import registry
from alciato.errors import MissingPackage, UsageError
from alciato.registry import Registry, parse_options


@pytest.fixture
def fractions() -> Registry:
    return Registry("number", {"fraction": "fractions:Fraction", "none": "no_such_package:x"}, group="alciato.test")


def plug_in(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "alciato.test")


def test_a_member_is_imported_when_it_is_asked_for(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    made = Registry("function", {"hue": "colorsys:rgb_to_hsv"}, group="alciato.test")
    assert "hue" in made
    assert list(made) == ["hue"]
    assert "colorsys" not in sys.modules
    assert made.get("hue")(0, 0, 0) == (0.0, 0.0, 0)


def test_an_unknown_name_names_the_nearest(fractions):
    with pytest.raises(UsageError, match=r"no number is named 'fractoin'\. Did you mean 'fraction'\?"):
        fractions.get("fractoin")


def test_a_missing_package_says_what_to_install(fractions):
    with pytest.raises(MissingPackage, match="pip install no_such_package"):
        fractions.get("none")


def test_a_taken_name_is_an_error_and_changes_nothing(fractions):
    before = fractions.get("fraction")
    with pytest.raises(UsageError, match="exists already"):
        fractions.register("fraction", int)
    assert fractions.get("fraction") is before
    fractions.register("whole", int)
    with pytest.raises(UsageError, match="exists already"):
        fractions.register("whole", float)
    assert fractions.get("whole") is int
    assert fractions.names() == ["fraction", "none", "whole"]


def test_a_member_registered_for_a_block_is_gone_after_it(fractions):
    def fail():
        with fractions.registered("whole", int):
            assert fractions.get("whole") is int
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "whole" not in fractions


def test_plug_ins_are_found_by_their_group_and_loaded_late(fractions, monkeypatch):
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [plug_in("root", "math:sqrt")] * (group == "alciato.test")
    )
    assert fractions.names() == ["fraction", "none", "root"]
    assert fractions.get("root")(9) == 3


@pytest.mark.parametrize("points", [["fraction"], ["root", "root"]])
def test_a_plug_in_with_a_taken_name_is_an_error_that_names_both(fractions, monkeypatch, points):
    monkeypatch.setattr(registry, "entry_points", lambda group: [plug_in(name, "math:sqrt") for name in points])
    with pytest.raises(UsageError, match=rf"the number '{points[0]}' of the package math.* is offered by \w+ already"):
        fractions.names()


def test_a_plug_in_that_cannot_be_imported_names_its_package(fractions, monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [plug_in("root", "math:square_root")])
    with pytest.raises(UsageError, match="of the package math cannot be imported"):
        fractions.get("root")


def test_options_forbid_unknown_keys_and_tell_all_faults_at_once():
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        size: int = 3

    assert parse_options(Options, {"size": "7"}, "a").size == 7
    with pytest.raises(UsageError, match=r"options of a: size: .*; sise: .*Known: size\."):
        parse_options(Options, {"size": "x", "sise": 1}, "a")


def test_the_documented_groups_are_those_of_the_source():
    root = Path(__file__).parents[1]
    source = "".join(path.read_text("utf-8") for path in (root / "src" / "alciato").rglob("*.py"))
    documented = re.findall(r"(?m)^\| `(alciato\.\w+)` \|", (root / "docs" / "extending.md").read_text("utf-8"))
    assert sorted(documented) == sorted(set(re.findall(r'group="(alciato\.\w+)"', source)))
