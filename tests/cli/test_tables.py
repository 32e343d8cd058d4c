"""Tables fit 80 columns, and what a row is for is still there."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from alciato.cli.tables import Column, Rows, model_table, verdict_table
from alciato.item import Span, Verdict
from alciato.models import ModelCard


def shown(rows: Rows) -> list[str]:
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        console.print(rows.table(cut=True))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    return [line.rstrip() for line in lines]


@pytest.fixture
def verdict() -> Verdict:
    return Verdict(
        item="8d7bbd3c22a094d1",
        source="/a/long/folder/meme_14.png",
        policy="general@1",
        model="m",
        strategy="prototype",
        judged_at=datetime.now(UTC),
        decision="remove",
        scores={"harassment": 0.99},
        reasons=("Harassment of a person, 0.99 (limit 0.85): the words are close to the policy's example.",),
        evidence=(Span(part=0, kind="ocr", text="NOBODY LIKES YOU"),),
    )


def test_the_row_of_a_verdict_holds_the_words_that_it_rests_on_and_the_end_of_the_files_name(verdict):
    line = shown(verdict_table([verdict]))[1]
    assert "“NOBODY LIKES YOU”" in line
    assert line.endswith("_14.png")


def test_the_row_of_what_was_not_judged_says_why(verdict):
    reasons = ("It could not be judged: no words were found in it, and nothing describes what it shows.",)
    line = shown(verdict_table([verdict.model_copy(update={"scores": {}, "reasons": reasons, "evidence": ()})]))[1]
    assert "no words were found" in line


def test_what_a_model_is_for_and_why_it_does_not_work_are_told_in_full():
    purpose, trouble = (
        "a purpose of more words than fit into a narrow column",
        "the package p is not installed: " + "x" * 70,
    )
    card = ModelCard("packaged:tesseract", "Ocr", purpose, "a licence of many words", "", 2**20, False, trouble)
    told = shown(model_table([card]))
    assert all(word in " ".join(told) for word in (*purpose.split(), *card.licence.split(), "packaged:tesseract"))
    assert trouble in " ".join(told)


def test_long_cells_of_a_whole_table_are_wrapped_and_a_program_gets_a_line_a_row():
    rows = Rows(
        (Column("kind"), Column("what", 3), Column("options", 1)), [("a", "word " * 30, "one, two")], whole=True
    )
    assert sum(line.count("word") for line in shown(rows)) == 30
    console = Console(width=100_000)
    with console.capture() as captured:
        console.print(rows.table(cut=False))
    assert len(captured.get().splitlines()) == 2
