"""The tool for mutation testing: its mutants are valid, differ from the source, and are drawn by the seed."""

import ast

import pytest

from tool_loading import load_tool


@pytest.fixture(scope="module")
def tool():
    return load_tool("mutate")


def test_the_same_seed_draws_the_same_valid_mutants(tool):
    drawn = tool.sample(60, 3, ["search"])
    assert drawn == tool.sample(60, 3, ["search"])
    assert drawn != tool.sample(60, 4, ["search"])
    for mutant in drawn:
        whole = (tool.SOURCE / mutant.file).read_text("utf-8")
        assert ast.dump(ast.parse(mutant.source())) != ast.dump(ast.parse(whole))


def test_each_operator_is_applied_and_messages_and_types_are_left_alone(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "SOURCE", tmp_path)
    file = tmp_path / "small.py"
    file.write_text(
        'def f(a: int = 2, *, b: "0 < 1" = True) -> int:\n'
        "    if not a < 3 and b:\n        raise ValueError(1)\n    é = a + 1\n    print(é)\n    return é\n"
    )
    found = {(mutant.before, mutant.after) for mutant in tool.mutants(file)}
    assert found == {
        ("2", "3"), ("True", "False"), ("not a < 3 and b", "(not a < 3 or b)"), ("not a < 3", "(a < 3)"),
        ("a < 3", "(a <= 3)"), ("3", "4"), ("a + 1", "(a - 1)"), ("1", "2"), ("print(é)", "pass"),
        ("return é", "return None"),
    }  # fmt: skip
