"""Passages and their numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alciato.ask import Citation, Reply, Sentence
from alciato.ask.citations import Numbering, passages, repeats
from alciato.item import Box, Image, Item, Segment, Span, Table, Text
from alciato.read import Content


def post(*texts, item="a"):
    return Content(Item(id=item, parts=tuple(Text(text=text) for text in texts), metadata={"source": f"/{item}.txt"}))


def picture(*blocks, item="a"):
    """A picture with blocks of words; each a text, with a box or a second if it is given with one."""
    segments = []
    for number, block in enumerate(blocks):
        text, more = block if isinstance(block, tuple) else (block, {})
        place = {"id": f"{item}/0/ocr/{number}", "item": item, "part": 0, "kind": "ocr"}
        segments.append(Segment(text=text, **place, **more))
    part = Image(media="0" * 64, mime="image/png", width=300, height=300)
    return Content(Item(id=item, parts=(part,), metadata={"source": f"/{item}.png"}), tuple(segments))


def test_a_body_is_cut_into_sentences_and_a_picture_quoted_whole():
    body = post("It rained. Nobody came!\n\nWe ate the cake ourselves.")
    assert [one.text for one in passages([body, picture("NO. MORE. MONDAYS.", item="b")])] == [
        "It rained.",
        "Nobody came!",
        "We ate the cake ourselves.",
        "NO. MORE. MONDAYS.",
    ]


def test_the_lines_of_a_page_run_on_and_the_rows_of_a_table_do_not():
    table = Table(columns=("bread", "euros"), rows=(("rye", 4.8), ("bun", 2.4)))
    found = passages([post("Copper\ntape keeps\nslugs away. It is cheap."), Content(Item(id="b", parts=(table,)))])
    assert [one.text for one in found] == [
        "Copper tape keeps slugs away.",
        "It is cheap.",
        "bread: rye, euros: 4.8",
        "bread: bun, euros: 2.4",
    ]


def test_bengali_and_chinese_sentences_end_at_their_own_marks():
    found = passages([post("আজ বৃষ্টি। খিচুড়ি রাঁধি।"), post("今天下雨。我们在家。", item="b")])
    assert [one.text for one in found] == ["আজ বৃষ্টি।", "খিচুড়ি রাঁধি।", "今天下雨。", "我们在家。"]


def test_a_long_page_of_a_picture_is_cut_into_sentences():
    page = "The roof is repaired in April. " * 7 + "Compost stays free."
    assert [one.text for one in passages([picture(page)])] == ["The roof is repaired in April.", "Compost stays free."]


def test_the_same_words_in_two_posts_are_one_passage_with_two_citations():
    (one,) = passages([picture("SEE YOU ON MONDAY"), post("See you on Monday!", item="b")])
    numbering = Numbering()
    assert numbering.cite(one) == (1, 2)
    assert [citation.source for citation in numbering.citations] == ["/a.png", "/b.txt"]
    assert [citation.span.text for citation in numbering.citations] == ["SEE YOU ON MONDAY", "See you on Monday!"]


def test_the_two_halves_of_a_meme_are_one_passage_with_one_box_around_them():
    above = ("I PUSHED THE VASE OFF", {"box": Box(10, 5, 200, 40)})
    below = ("AND I WOULD DO IT AGAIN", {"box": Box(0, 250, 220, 290)})
    (one,) = passages([picture(above, below)])
    assert one.text == "I PUSHED THE VASE OFF AND I WOULD DO IT AGAIN"
    assert one.places[0][1].box == Box(0, 5, 220, 290)


def test_words_of_other_frames_and_long_pages_stay_apart():
    frames = picture(("DAY ONE", {"start": 0.0}), ("DAY TWO", {"start": 3.0}))
    page = picture(*(f"{n} " * 90 for n in (1, 2)), item="b")
    assert len(passages([frames, page])) == 4


def test_one_post_that_says_it_twice_is_cited_once():
    (one,) = passages([post("READY", "ready")])
    assert len(one.places) == 1


def test_a_passage_repeats_another_that_contains_it_or_is_contained_in_it():
    first, longer, other = passages([post("Compost stays free.\n\nDues: compost stays free\n\nNo rain.")])
    assert repeats(longer, [first])
    assert repeats(first, [longer])
    assert not repeats(other, [first, longer])


@given(st.lists(st.text(alphabet="abc .!\n", max_size=30), max_size=6))
def test_numbers_count_from_one_without_a_gap_and_each_is_told_once(texts):
    posts = [post(text, item=f"p{place}") for place, text in enumerate(texts)]
    numbering = Numbering()
    given_out = [number for one in passages(posts) for number in numbering.cite(one)]
    again = [number for one in passages(posts) for number in numbering.cite(one)]
    assert given_out == again
    assert sorted(set(given_out)) == list(range(1, len(numbering.citations) + 1))


def test_a_sentence_without_a_citation_cannot_be_made():
    with pytest.raises(ValidationError):
        Sentence(text="So they say.", citations=())


def test_a_citation_that_leads_nowhere_cannot_be_made():
    cited = Citation(number=1, item="a", span=Span(part=0, kind="body", text="x"))
    with pytest.raises(ValidationError, match="known are"):
        Reply(question="?", found=True, sentences=[Sentence(text="x", citations=(2,))], citations=[cited], model="m")


def test_found_without_sentences_cannot_be_made():
    with pytest.raises(ValidationError, match="found is True"):
        Reply(question="?", found=True, model="m")
