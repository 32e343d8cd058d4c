from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alciato.item import Box, Image, Item, Reading, Segment, Table, Text
from alciato.judge.content import WINDOW, content_of, windows

PICTURE = Image(media="0" * 64, mime="image/png", width=10, height=10)


def segment(text: str, kind: str = "ocr", part: int = 0, **more: Any) -> Segment:
    return Segment(id=f"{kind}{text}", item="a", part=part, kind=kind, text=text, **more)


def test_words_on_the_picture_are_judged_alone_and_with_the_body_and_with_what_is_shown():
    item = Item(id="a", parts=(PICTURE, Text(text="Look!"), Text(text="a dump", name="alt")))
    content = content_of(item, [segment("Martians belong here", box=Box(1, 2, 3, 4))], [])
    assert [passage.text for passage in content.passages] == [
        "Look!",
        "Martians belong here",
        "(picture: a dump)",
        "Look! Martians belong here",
        "Look! Martians belong here (picture: a dump)",
    ]
    assert content.passages[1].evidence[0].box == Box(1, 2, 3, 4)
    assert {place.kind for place in content.passages[-1].evidence} == {"body", "ocr", "caption"}
    assert not content.unseen


def test_a_picture_that_nobody_describes_is_unseen():
    assert content_of(Item(id="a", parts=(PICTURE,)), [segment("words")], []).unseen
    assert not content_of(Item(id="a", parts=(Text(text="words"),)), [], []).unseen


def test_speech_keeps_its_times_and_a_captioner_counts_as_description():
    content = content_of(
        Item(id="a", parts=(PICTURE,)),
        [segment("go home", "speech", start=3.5, end=4.0), segment("a cage", "caption")],
        [],
    )
    assert content.passages[0].evidence[0].start == 3.5
    assert content.passages[-1].text == "go home (picture: a cage)"


def test_body_segments_of_the_store_are_not_judged_twice():
    item = Item(id="a", parts=(Text(text="once"),))
    assert [passage.text for passage in content_of(item, [segment("once", "body")], []).passages] == ["once"]


def test_rows_of_a_table_are_judged_and_reading_errors_are_kept():
    item = Item(id="a", parts=(Table(columns=("who", "what"), rows=(("eve", "shouts"), (None, None))),))
    failed = Reading(item="a", part=0, kind="ocr", model="m", version="1", error="broken")
    content = content_of(item, [], [failed])
    assert [passage.text for passage in content.passages] == ["who: eve; what: shouts"]
    assert content.errors == ("ocr of part 0: broken",)


@given(st.text(alphabet="ab .!?\n।", max_size=2000))
def test_windows_leave_no_letter_out_and_keep_their_size(text):
    pieces = windows(text, 60)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= 60 for piece in pieces)


def test_a_long_text_is_judged_piece_by_piece():
    item = Item(id="a", parts=(Text(text="This is one sentence. " * 200),))
    passages = content_of(item, [], []).passages
    assert len(passages) > 5
    assert all(len(passage.text) <= WINDOW for passage in passages)
