from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alciato.item import Box, Image, Item, Reading, Segment, Table, Text, Video
from alciato.judge.decide import verdict_for
from alciato.judge.statements import WINDOW, fair_shares, statements_of
from alciato.judge.strategy import Judgement, Needs, Strategy
from alciato.read.content import Content

PICTURE = Image(media="0" * 64, mime="image/png", width=10, height=10)


def segment(text: str, kind: str = "ocr", part: int = 0, **more: Any) -> Segment:
    return Segment(id=f"{kind}{text}", item="a", part=part, kind=kind, text=text, **more)


def test_words_on_the_picture_are_judged_alone_and_with_the_body_and_with_what_is_shown():
    item = Item(id="a", parts=(PICTURE, Text(text="Look!"), Text(text="a dump", name="alt")))
    content = Content(item, (segment("Martians belong here", box=Box(1, 2, 3, 4)),), ())
    assert [statement.text for statement in statements_of(content)] == [
        "Look!",
        "Martians belong here",
        "(picture: a dump)",
        "Look! Martians belong here",
        "Look! Martians belong here (picture: a dump)",
    ]
    assert statements_of(content)[1].evidence[0].box == Box(1, 2, 3, 4)
    assert {place.kind for place in statements_of(content)[-1].evidence} == {"body", "ocr", "caption"}
    assert not content.undescribed


def test_a_picture_that_nobody_describes_is_unseen():
    assert Content(Item(id="a", parts=(PICTURE,)), (segment("words"),), ()).undescribed
    assert not Content(Item(id="a", parts=(Text(text="words"),)), (), ()).undescribed


def test_speech_keeps_its_times_and_a_captioner_counts_as_description():
    content = Content(
        Item(id="a", parts=(PICTURE,)),
        (segment("go home", "speech", start=3.5, end=4.0), segment("a cage", "caption")),
    )
    assert statements_of(content)[0].evidence[0].start == 3.5
    assert statements_of(content)[-1].text == "go home (picture: a cage)"


def test_body_segments_of_the_store_are_not_judged_twice():
    item = Item(id="a", parts=(Text(text="once"),))
    assert [statement.text for statement in statements_of(Content(item, (segment("once", "body"),), ()))] == ["once"]


def test_rows_of_a_table_are_judged_and_reading_errors_are_kept():
    item = Item(id="a", parts=(Table(columns=("who", "what"), rows=(("eve", "shouts"), (None, None))),))
    failed = Reading(item="a", part=0, kind="ocr", model="m", version="1", error="broken")
    content = Content(item, (), (failed,))
    assert [statement.text for statement in statements_of(content)] == ["who: eve, what: shouts"]
    assert content.errors == (failed,)


def test_a_long_text_is_judged_piece_by_piece():
    item = Item(id="a", parts=(Text(text="This is one sentence. " * 200),))
    passages = statements_of(Content(item, (), ()))
    assert len(passages) > 5
    assert all(len(statement.text) <= WINDOW for statement in passages)


def test_a_caption_is_what_the_author_wrote_and_an_alternative_text_is_a_description():
    """Issue 9, item 28."""
    content = Content(
        Item(id="a", parts=(PICTURE, Text(text="you rat", name="caption"), Text(text="a cat", name="alt")))
    )
    assert [span.text for span in content.words] == ["you rat"]
    assert [span.text for span in content.descriptions] == ["a cat"]


def test_words_on_pictures_are_said_once_and_respaced():
    whole = segment("LOOK AT ME I AM THE CAPTAIN", raw="LOOKATME IAM THECAPTAIN")
    content = Content(Item(id="a", parts=(PICTURE,)), (whole, segment("LOOK AT ME")))
    assert content.words_on_pictures == "LOOK AT ME I AM THE CAPTAIN"


def test_a_long_body_does_not_displace_the_words_on_the_picture():
    content = Content(Item(id="a", parts=(PICTURE, Text(text="padding " * 400))), (segment("Martians are vermin"),))
    together = next(one for one in statements_of(content) if len(one.evidence) == 2)
    assert "Martians are vermin" in together.words
    assert len(together.words) <= WINDOW


@given(st.lists(st.integers(0, 300), max_size=12), st.integers(0, 900))
def test_shares_are_fair(wanted, room):
    shares = fair_shares(wanted, room)
    assert sum(shares) <= max(room, 0)
    assert all(share <= want for share, want in zip(shares, wanted, strict=True))
    assert all(share >= min(want, room // len(wanted)) for share, want in zip(shares, wanted, strict=True))
    assert sum(wanted) > room or shares == wanted


def test_parts_that_were_not_read_yet_are_listed():
    item = Item(id="a", parts=(PICTURE, Text(text="words"), PICTURE))
    read = Reading(item="a", part=0, kind="ocr", model="m", version="1")
    assert Content(item, (), (read,)).unread(["ocr", "speech"]) == [(2, "ocr")]


class TextsOnly(Strategy):
    """Allows every text; pictures, clips and recordings it does not take."""

    name, model, needs = "texts-only", "none", Needs(modalities=frozenset({"text"}))

    @classmethod
    def load(cls, policy, runtime, options):
        raise NotImplementedError

    @classmethod
    def examples(cls):
        return []

    def judge(self, contents):
        return [Judgement({"hate": 0.0, "self-harm": 0.0}) for _ in contents]


def test_a_part_of_a_type_that_the_strategy_does_not_take_is_never_allowed(policy):
    strategy = TextsOnly()
    clip = Video(media="1" * 64, mime="video/mp4", width=10, height=10, duration=1.0)
    for parts, decision in [((Text(text="hello"),), "allow"), ((Text(text="hello"), clip), "review")]:
        content = Content(Item(id="a", parts=parts))
        assert verdict_for(content, strategy.judge([content])[0], policy, strategy).decision == decision
    reasons = verdict_for(content, strategy.judge([content])[0], policy, strategy).reasons
    assert "Part 1 (video) was not judged: the strategy texts-only judges text only." in reasons
