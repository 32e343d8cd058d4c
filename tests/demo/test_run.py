"""The demo from end to end, with the packaged models."""

import pytest

from alciato.demo import DemoResult, run_demo
from alciato.settings import Settings


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    said: list[str] = []
    return folder, run_demo(folder, Settings(cache=folder / "cache"), said.append), "\n".join(said)


@pytest.mark.slow
def test_the_figures_hold(ran):
    _, result, _ = ran
    assert result.search.mean_reciprocal_rank >= 0.9
    assert result.copies.recall >= 0.95
    assert result.copies.false == 0
    assert result.text.accuracy >= 0.95
    assert result.judge.flagged >= 0.75 * result.judge.breaking


@pytest.mark.slow
def test_it_says_what_it_does_and_writes_the_report(ran):
    folder, result, said = ran
    assert (folder / "report.html").stat().st_size > 100_000
    assert DemoResult.model_validate_json(result.model_dump_json()) == result
    for step in ("Build", "Add", "Read", "Search", "near copies", "Judge", "report", "Ask"):
        assert step in said
    assert "nothing found" in said
    assert "[1]" in result.answers[0]
