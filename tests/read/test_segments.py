"""Segments: what a search can match, with names that stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.item import Audio, Box, Finding, Image, Item, Table, Text, Video
from alciato.read.content import Content
from alciato.read.segments import PASSAGE, passages, said_once, segments_of

SHA = "ab" * 32
PDQ = "cd" * 32


def item(*parts: object):
    return Item(id="i", parts=parts)


def picture():
    return Image(media=SHA, mime="image/png", width=300, height=300)


def film():
    return Video(media=SHA, mime="video/mp4", width=300, height=300, duration=9)


def line(text, top, raw=None, start=None, end=None):
    return Finding(text=text, raw=raw, box=Box(10, top, 200, top + 30), confidence=0.9, start=start, end=end)


def test_a_sentence_over_three_lines_is_one_segment():
    lines = [line("LOOK AT ME", 10, raw="LOOKATME"), line("I AM", 45), line("THE CAPTAIN", 80), line("NOW", 250)]
    segments = [segment for segment in segments_of(item(picture()), {(0, "ocr"): lines}) if segment.kind == "ocr"]
    whole, above, below = segments
    assert [above.text, below.text] == ["LOOK AT ME I AM THE CAPTAIN", "NOW"]
    assert above.raw == "LOOKATME I AM THE CAPTAIN"
    assert below.raw is None
    assert above.box == Box(10, 10, 200, 110)
    assert [segment.id for segment in segments] == ["i/0/ocr/0", "i/0/ocr/1", "i/0/ocr/2"]
    assert whole.text == "LOOK AT ME I AM THE CAPTAIN NOW"
    assert whole.box == Box(10, 10, 200, 280)


def test_long_words_in_several_places_are_not_one_thought():
    lines = [line("word " * 30, 10), line("other " * 30, 250)]
    assert len([segment for segment in segments_of(item(picture()), {(0, "ocr"): lines}) if segment.kind == "ocr"]) == 2


def test_what_an_earlier_text_contains_is_not_said_twice():
    assert said_once(["NO MORE MONDAYS", "no more", "MONDAYS", "please"]) == ["NO MORE MONDAYS", "please"]


def test_a_picture_stands_for_itself_with_its_hash():
    (segment,) = segments_of(item(picture()), {(0, "pdq"): [Finding(value=PDQ, confidence=1)]})
    assert (segment.kind, segment.pdq, segment.text, segment.language) == ("picture", PDQ, "", None)


def test_frames_and_their_words_have_times():
    readings = {
        (1, "pdq"): [Finding(value=PDQ, start=0, end=4), Finding(value=PDQ, start=4, end=9)],
        (1, "ocr"): [line("stays", 10, start=0, end=9), line("comes later", 10, start=4, end=9)],
        (1, "speech"): [Finding(text="somebody says so", start=1.5, end=2.5, confidence=0.5)],
    }
    segments = segments_of(item(Text(text="hello"), film()), readings)
    assert [(segment.id, segment.start, segment.end) for segment in segments] == [
        ("i/0/body/0", None, None),
        ("i/1/frame/0", 0, 4),
        ("i/1/frame/1", 4, 9),
        ("i/1/ocr/0", 0, 9),
        ("i/1/ocr/1", 4, 9),
        ("i/1/speech/0", 1.5, 2.5),
    ]


def test_a_table_is_found_before_and_after_it_is_read():
    table = Table(columns=("planet", "moons"), rows=(("Mars", 2), ("Venus", 0)), name="moons")
    before = segments_of(item(table), {})
    after = segments_of(item(table), {(0, "table"): [Finding(text="planet: Mars"), Finding(text="planet: Venus")]})
    assert [segment.text for segment in before] == ["moons\nplanet: Mars, moons: 2\nplanet: Venus, moons: 0"]
    assert [segment.id for segment in after] == ["i/0/table/0", "i/0/table/1"]


def test_language_of_a_short_segment_is_that_of_the_item():
    texts = (Text(text="Wenn der Kapitän sagt, dass das Essen kalt ist"), Text(text="ja"))
    assert [segment.language for segment in segments_of(item(*texts), {})] == ["de", "de"]


def test_only_the_kinds_asked_for():
    readings = {(1, "ocr"): [line("words", 10)], (1, "pdq"): [Finding(value=PDQ)]}
    assert [segment.kind for segment in segments_of(item(Text(text="hello"), picture()), readings, {"ocr"})] == ["ocr"]


@pytest.mark.parametrize("part", [Text(text="  "), Audio(media=SHA, mime="audio/wav", duration=1), film()])
def test_nothing_found_makes_no_segments(part):
    assert segments_of(item(part), {}) == []


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), max_size=30))
def test_passages_lose_no_word_and_stay_short(lengths):
    text = " ".join(" ".join(f"w{n}x{i}" for i in range(length)) + "." for n, length in enumerate(lengths))
    cut = passages(text)
    assert " ".join(cut).split() == text.split()
    assert all(len(passage.split()) <= PASSAGE * 3 // 2 for passage in cut)


def test_a_sentence_without_end_is_cut_hard():
    assert [len(passage.split()) for passage in passages("word " * 400)] == [160, 160, 80]


@pytest.mark.parametrize(
    ("sentence", "most"), [("今日は雨が降っています。", 320), ("วันนี้ฝนตกหนักมาก", 320), ("আজ বৃষ্টি হচ্ছে। ", 4000)]
)
def test_a_long_text_becomes_several_segments_in_any_script(sentence, most):
    """Issue 9: a Japanese text of 9,500 characters became one segment."""
    text = (sentence * 9_500)[:9_500]
    segments = segments_of(item(Text(text=text)), {})
    assert len(segments) > 5
    assert all(len(segment.text) <= most for segment in segments)
    assert "".join("".join(segment.text for segment in segments).split()) == "".join(text.split())


def test_a_description_that_came_with_a_post_is_a_caption_in_the_store_as_it_is_in_its_content():
    post = Item(id="a", parts=(Text(text="you are all fools"), Text(text="a grey square", name="alt text")))
    made = segments_of(post, {})
    assert [(one.kind, one.text) for one in made] == [("body", "you are all fools"), ("caption", "a grey square")]
    told = Content(post, tuple(made)).texts
    assert [(one.kind, one.text) for one in told] == [(one.kind, one.text) for one in made]
