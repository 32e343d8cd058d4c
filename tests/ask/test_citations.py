"""Passages and their numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alciato.ask import Citation, Reply, Sentence
from alciato.ask.citations import Numbering, passages
from alciato.item import Box, Item, Segment, Text


def segment(text, item="a", kind="body", number=0):
    return Segment(id=f"{item}/0/{kind}/{number}", item=item, part=0, kind=kind, text=text)


def items(*ids: str):
    return {id_: Item(id=id_, parts=(Text(text="x"),), metadata={"source": f"/posts/{id_}.txt"}) for id_ in ids}


def test_a_body_is_cut_into_sentences_and_a_picture_quoted_whole():
    body = segment("It rained. Nobody came!\n\nWe ate the cake ourselves.")
    seen = segment("NO. MORE. MONDAYS.", item="b", kind="ocr")
    assert [one.text for one in passages([body, seen])] == [
        "It rained.",
        "Nobody came!",
        "We ate the cake ourselves.",
        "NO. MORE. MONDAYS.",
    ]


def test_the_lines_of_a_page_run_on_and_the_rows_of_a_table_do_not():
    page = segment("Copper\ntape keeps\nslugs away. It is cheap.")
    table = segment("prices\nbread: rye, euros: 4.8\nbread: bun, euros: 2.4", item="b", kind="table")
    assert [one.text for one in passages([page, table])] == [
        "Copper tape keeps slugs away.",
        "It is cheap.",
        "prices",
        "bread: rye, euros: 4.8",
        "bread: bun, euros: 2.4",
    ]


def test_bengali_and_chinese_sentences_end_at_their_own_marks():
    found = passages([segment("আজ বৃষ্টি। খিচুড়ি রাঁধি।"), segment("今天下雨。我们在家。", item="b")])
    assert [one.text for one in found] == ["আজ বৃষ্টি।", "খিচুড়ি রাঁধি।", "今天下雨。", "我们在家。"]


def test_the_same_words_in_two_posts_are_one_passage_with_two_citations():
    (one,) = passages([segment("SEE YOU ON MONDAY", kind="ocr"), segment("See you on Monday!", item="b")])
    numbering = Numbering(items("a", "b"))
    assert numbering.cite(one) == (1, 2)
    assert [citation.source for citation in numbering.citations] == ["/posts/a.txt", "/posts/b.txt"]


def test_the_two_halves_of_a_meme_are_one_passage_with_one_box_around_them():
    above = segment("I PUSHED THE VASE OFF", kind="ocr").model_copy(update={"box": Box(10, 5, 200, 40)})
    below = segment("AND I WOULD DO IT AGAIN", kind="ocr", number=1).model_copy(update={"box": Box(0, 250, 220, 290)})
    (one,) = passages([above, below])
    assert one.text == "I PUSHED THE VASE OFF AND I WOULD DO IT AGAIN"
    assert one.segments[0].box == Box(0, 5, 220, 290)


def test_words_of_other_frames_and_long_pages_stay_apart():
    first = segment("DAY ONE", kind="ocr").model_copy(update={"start": 0.0})
    later = segment("DAY TWO", kind="ocr", number=1).model_copy(update={"start": 3.0})
    page = [
        segment("words " * 30, item="b", kind="ocr", number=n).model_copy(update={"text": f"{n} " * 90}) for n in (1, 2)
    ]
    assert len(passages([first, later, *page])) == 4


def test_one_post_that_says_it_twice_is_cited_once():
    (one,) = passages([segment("READY"), segment("ready", kind="ocr")])
    assert len(one.segments) == 1


@given(st.lists(st.text(alphabet="abc .!\n", max_size=30), max_size=6))
def test_numbers_count_from_one_without_a_gap_and_each_is_told_once(texts):
    segments = [segment(text, item=f"p{place}") for place, text in enumerate(texts)]
    numbering = Numbering(items(*(one.item for one in segments)))
    given_out = [number for one in passages(segments) for number in numbering.cite(one)]
    again = [number for one in passages(segments) for number in numbering.cite(one)]
    assert given_out == again
    assert sorted(set(given_out)) == list(range(1, len(numbering.citations) + 1))


def test_a_sentence_without_a_citation_cannot_be_made():
    with pytest.raises(ValidationError):
        Sentence(text="So they say.", citations=())


def test_a_citation_that_leads_nowhere_cannot_be_made():
    cited = Citation(number=1, item="a", part=0, kind="body", text="x", segment="a/0/body/0")
    with pytest.raises(ValidationError, match="known are"):
        Reply(question="?", found=True, sentences=[Sentence(text="x", citations=(2,))], citations=[cited], model="m")


def test_found_without_sentences_cannot_be_made():
    with pytest.raises(ValidationError, match="found is True"):
        Reply(question="?", found=True, model="m")
