"""Words in pictures: spaces given back, lines merged over time, further scripts only where there is a reason."""

import pytest
from PIL import Image

from alciato.item import Box, Finding
from alciato.item import Image as ImagePart
from alciato.read.content import PartContent, View
from alciato.read.words import WordsReader, merged, respaced, with_other_script
from alciato.settings import Limits
from read.doubles import GivenOcr

PICTURE = Image.new("RGB", (400, 300), "grey")


def line(text, top=10, confidence=0.95, start=None, end=None):
    return Finding(text=text, box=Box(10, top, 200, top + 30), confidence=confidence, start=start, end=end)


def content(views):
    made = PartContent(ImagePart(media="ab" * 32, mime="image/png", width=1, height=1), bytes.fromhex, Limits())
    made.views = views
    return made


def test_the_raw_line_is_kept_where_spaces_are_given_back():
    found = respaced([line("LOOKATME"), line("I AM", 50), line("THECAPTAIN", 90)])
    assert [(one.text, one.raw) for one in found] == [
        ("LOOK AT ME", "LOOKATME"), ("I AM", None), ("THE CAPTAIN", "THECAPTAIN"),
    ]  # fmt: skip


def test_lines_come_in_reading_order():
    ocr = GivenOcr([line("second", 60), line("first", 10)])
    assert [one.text for one in WordsReader(ocr).read(content([View(PICTURE)]))] == ["first", "second"]


def test_the_same_line_in_consecutive_frames_is_one_line():
    frames = [
        [line("BREAKING NEWS", 10, 0.9, 0, 2), line("robots land", 90, 0.9, 0, 2)],
        [line("BREAKlNG NEWS", 12, 0.6, 2, 4), line("captain speaks", 90, 0.9, 2, 4)],
        [line("BREAKING NEWS", 10, 0.95, 4, 6)],
    ]
    found = [(one.text, one.start, one.end) for one in merged(frames)]
    assert found == [("BREAKING NEWS", 0, 6), ("robots land", 0, 2), ("captain speaks", 2, 4)]


def test_a_line_that_comes_back_later_is_two_lines():
    frames = [[line("again", start=0, end=2)], [], [line("again", start=4, end=6)]]
    assert [(one.start, one.end) for one in merged(frames)] == [(0, 2), (4, 6)]


def test_a_line_standing_twice_in_one_frame_stays_twice():
    assert len(merged([[line("ha", 10, start=0, end=1), line("ha", 60, start=0, end=1)]])) == 2


def test_lines_of_one_picture_are_never_merged():
    assert len(merged([[line("same"), line("same", 90)]])) == 2


@pytest.mark.parametrize("lines", [[], [line("well read")]])
def test_without_a_reason_the_other_model_is_not_asked(lines):
    other = GivenOcr([line("শুভ সকাল")])
    assert with_other_script(lines, other, PICTURE) == lines
    assert other.seen == []


def test_lines_that_were_seen_but_not_read_are_shown_alone_to_the_other_model():
    other = GivenOcr([line("শুভ সকাল", 0)])
    found = with_other_script([line("HELLO"), line("", 100, 0.4)], other, PICTURE)
    assert [one.text for one in found] == ["HELLO", "শুভ সকাল"]
    assert found[1].box == line("", 100).box
    assert len(other.seen) == 1
    assert max(other.seen[0]) < 300


@pytest.mark.parametrize("noise", [[], [line("|.:", 0)], [line("hello", 0)], [line("শুভ", 0, 0.3)]])
def test_noise_of_the_other_model_is_not_believed(noise):
    found = with_other_script([line("LanUC", 10, 0.55)], GivenOcr(noise, noise), PICTURE)
    assert [one.text for one in found] == ["LanUC"]


def test_what_nobody_can_read_is_left_out():
    assert WordsReader(GivenOcr([line("", 10, 0.3)]), [GivenOcr()]).read(content([View(PICTURE)])) == []


def test_frames_lend_their_times():
    ocr = GivenOcr([line("one")], [line("two")])
    found = WordsReader(ocr).read(content([View(PICTURE, 1, 0, 2), View(PICTURE, 3, 2, 4)]))
    assert [(one.text, one.start, one.end) for one in found] == [("one", 0, 2), ("two", 2, 4)]


def test_the_version_names_all_that_reads():
    assert WordsReader(GivenOcr()).version != WordsReader(GivenOcr(), [GivenOcr()]).version
