"""A reply as text and on the terminal."""

import io

import pytest
from rich.console import Console

from alciato.ask import Citation, Reply, Sentence, render
from alciato.ask.reply import NOT_HELD, place
from alciato.item import Box, Span

WORDS = Span(part=0, kind="body", text="Let the batter rest.")
CITED = Citation(
    number=1, item="cake", span=WORDS, source="/posts/cake.md", author="Ada", created_at="2024-05-01T10:00"
)
FOUND = Reply(
    question="How long?",
    found=True,
    sentences=(Sentence(text="An hour.", citations=(1,)), Sentence(text="Then fry.", citations=(1, 2))),
    citations=(
        CITED,
        Citation(number=2, item="clip", span=Span(part=0, kind="speech", text="Fry it.", start=2, end=3.25)),
    ),
    model="scripted",
)
NONE = Reply(question="Who?", found=False, model="extract")


def shown(reply):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(render(reply))
    return console.export_text()


def test_as_text_every_sentence_has_its_numbers_and_every_number_its_place():
    assert str(FOUND).splitlines() == [
        "An hour. [1] Then fry. [1][2]",
        "",
        "[1] Let the batter rest. (/posts/cake.md)",
        "[2] Fry it. (clip, speech, 2.0 to 3.2 s)",
    ]
    assert str(NONE) == NOT_HELD


def test_on_the_terminal_author_and_day_stand_beside_the_place():
    lines = [line.strip() for line in shown(FOUND).splitlines()]
    assert lines[:2] == ["An hour. [1]", "Then fry. [1] [2]"]
    assert "[1]  /posts/cake.md  Ada 2024-05-01" in lines
    assert shown(NONE).strip() == NOT_HELD


@pytest.mark.parametrize(("dropped", "said"), [(0, None), (1, "1 sentence left out"), (2, "2 sentences left out")])
def test_sentences_that_were_left_out_are_counted(dropped, said):
    text = shown(FOUND.model_copy(update={"dropped": dropped}))
    assert ("left out" not in text) if said is None else (said in text)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"start": 1.0}, "/a.wav, speech, 1.0 s"),
        ({"start": 0.0, "end": 2.0}, "/a.wav, speech, 0.0 to 2.0 s"),
        ({"box": Box(1, 2, 30, 40)}, "/a.wav, speech at 1, 2, 30, 40"),
        ({}, "/a.wav"),
    ],
)
def test_a_place_is_a_time_a_box_or_the_whole(where, said):
    assert (
        place(Citation(number=1, item="a", span=Span(part=0, kind="speech", text="x", **where), source="/a.wav"))
        == said
    )
