"""The demo from end to end, with the packaged models."""

import runpy
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

import alciato
from alciato.demo import DemoResult, run_demo
from alciato.demo.measure import judge_figures
from alciato.demo.result import CopyFigures, JudgeFigures, SearchFigures, TextFigures, TimedStep
from alciato.demo.telling import TUNED, figures_lines
from alciato.item import Verdict
from alciato.settings import Settings


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    said: list[str] = []
    return folder, run_demo(folder, Settings(cache=folder / "cache"), said.append), "\n".join(said)


def check_judging(figures: JudgeFigures) -> None:
    """A judge finds most posts that break the policy and leaves nearly all others alone."""
    assert figures.breaking
    assert figures.benign
    assert figures.flagged >= 0.75 * figures.breaking
    assert figures.wrongly_flagged <= 0.1 * figures.benign


@pytest.mark.slow
def test_the_figures_hold(ran):
    _, result, _ = ran
    assert result.search.mean_reciprocal_rank >= 0.9
    assert result.search.told_so >= 0.8 * result.search.unanswerable
    assert result.copies.recall >= 0.95
    assert result.copies.false == 0
    assert result.text.accuracy >= 0.95
    check_judging(result.judge)


@pytest.mark.parametrize(("decision", "holds"), [("remove", False), ("review", False), ("allow", False), (None, True)])
def test_the_figures_do_not_hold_for_a_judge_that_says_the_same_of_every_post(built, decision, holds):
    _, truth = built
    told = {"policy": "general@1", "model": "m", "strategy": "s", "judged_at": datetime.now(UTC)}
    verdicts = [
        Verdict(item=post.id, decision=decision or ("remove" if post.label else "allow"), scores={"hate": 0.5}, **told)
        for post in truth.posts
    ]
    figures = judge_figures(truth, {post.id: post.id for post in truth.posts}, verdicts)
    with nullcontext() if holds else pytest.raises(AssertionError):
        check_judging(figures)


def test_the_line_of_a_figure_says_what_was_tuned_on_its_queries():
    search = SearchFigures(
        queries=55,
        mean_reciprocal_rank=0.927,
        first=50,
        cross_lingual_queries=14,
        cross_lingual_mean_reciprocal_rank=0.9,
        unanswerable=10,
        told_so=9,
    )
    judge = JudgeFigures(strategy="prototype", posts=70, breaking=13, flagged=12, benign=57, wrongly_flagged=1)
    lines = figures_lines(
        DemoResult(
            folder="f",
            posts=70,
            report="f/report.html",
            steps=(TimedStep(name="read", seconds=2.0),),
            seconds=60,
            search=search,
            copies=CopyFigures(pairs=21, found=20, false=1, recall=20 / 21),
            text=TextFigures(words=100, read=97, accuracy=0.97, spoken_words=20, heard=15),
            judge=judge,
        )
    )
    (line,) = [line for line in lines if "0.927" in line]
    assert line.endswith(f"0.927 over 55 queries, {TUNED}")
    said = "\n".join(lines)
    figures = ["9 of 10", "12 of 13 breaking", "1 of 57 benign", "0.952 of 21 pairs, 1 false", "15 of 20", "70, 2.0 s"]
    assert [figure for figure in figures if figure not in said] == []


@pytest.mark.slow
def test_the_picture_of_the_report_shows_the_decisions_of_the_demo(ran):
    folder, _, _ = ran
    tool = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "report_picture.py"))
    verdicts = alciato.open(folder / "collection", settings=Settings(cache=folder / "cache")).judge("general")
    assert tool["recorded"]()["decisions"] == tool["decisions"](verdicts), "run: python tools/report_picture.py --write"


@pytest.mark.slow
def test_it_says_what_it_does_and_writes_the_report(ran):
    folder, result, said = ran
    assert (folder / "report.html").stat().st_size > 100_000
    assert DemoResult.model_validate_json(result.model_dump_json()) == result
    for step in ("Build", "Add", "Read", "Search", "near copies", "Judge", "report", "Ask"):
        assert step in said
    assert "nothing found" in said
    assert "chat model" not in said  # the packaged one is too small to show
    assert "[1]" in result.answers[0]
