"""What the demo measures, on worked cases."""

from datetime import UTC, datetime

import pytest

from alciato.demo.catalogue import JudgedQuery
from alciato.demo.measure import copy_figures, judge_figures, named, search_figures, text_figures
from alciato.demo.truth import DemoTruth, TruthPost
from alciato.item import Image, Item, Segment, Text, Verdict

SHA = "ab" * 32
TRUTH = DemoTruth(
    seed=7,
    posts=(
        TruthPost(
            id="cat", kind="picture", file="memes/cat.png", media=SHA, lines=("I NEED A NAP",), family="photo:cat"
        ),
        TruthPost(id="copy", kind="picture", file="memes/copy.png", lines=("I NEED A NAP",), family="photo:cat"),
        TruthPost(id="small", kind="picture", file="memes/small.png", lines=("今天先睡觉",), family="photo:cat"),
        TruthPost(id="bad", kind="text", text="Out with the Martians!", label="hate", spoken=("go now",)),
        TruthPost(id="good", kind="text", text="Welcome, Martians!"),
    ),
    queries=(
        JudgedQuery(id="q1", words="nap", finds=("cat", "copy")),
        JudgedQuery(id="q2", words="greeting", finds=("good",), cross_lingual=True),
        JudgedQuery(id="n1", words="tax", finds=()),
        JudgedQuery(id="n2", words="boat", finds=()),
    ),
)
NAMES = {id_: id_ for id_ in ("cat", "copy", "small", "bad", "good")}


def test_items_are_named_by_medium_file_or_words():
    picture = Image(media=SHA, mime="image/png", width=9, height=9)
    other = Image(media="cd" * 32, mime="image/png", width=9, height=9)
    items = [
        Item(id="1", parts=(picture,)),
        Item(id="2", parts=(other,), metadata={"source": "C:\\demo\\posts\\memes\\copy.png"}),
        Item(id="3", parts=(Text(text="Welcome, Martians!"),)),
        Item(id="4", parts=(Text(text="something else"),)),
    ]
    assert named(items, TRUTH) == {"1": "cat", "2": "copy", "3": "good"}


def test_mean_reciprocal_rank_counts_the_first_right_post():
    answers = {"nap": ["bad", "copy", "cat"], "greeting": ["good"], "tax": [], "boat": ["bad"]}
    figures = search_figures(TRUTH, NAMES, lambda words: answers[words])
    assert figures.mean_reciprocal_rank == pytest.approx((1 / 2 + 1) / 2)
    assert figures.cross_lingual_mean_reciprocal_rank == 1
    assert (figures.first, figures.missed) == (1, ("q1",))
    assert (figures.told_so, figures.unanswerable) == (1, 2)


def test_copies_are_counted_in_pairs():
    figures = copy_figures(TRUTH, NAMES, [["cat", "copy", "good"]])
    assert (figures.pairs, figures.found, figures.false) == (3, 1, 2)
    assert figures.recall == pytest.approx(1 / 3)


def test_words_are_counted_whatever_their_order_and_case_and_only_in_latin_script():
    segments = [
        Segment(id="cat/0/ocr/0", item="cat", part=0, kind="ocr", text="A Nap"),
        Segment(id="cat/0/ocr/1", item="cat", part=0, kind="ocr", text="I need need"),
        Segment(id="copy/0/ocr/0", item="copy", part=0, kind="ocr", text="INEED"),
        Segment(id="bad/0/speech/0", item="bad", part=0, kind="speech", text="go cow"),
    ]
    figures = text_figures(TRUTH, NAMES, segments)
    assert (figures.words, figures.read) == (8, 4)
    assert (figures.spoken_words, figures.heard) == (2, 1)


def verdict(item, decision):
    told = {"policy": "general@1", "model": "m", "strategy": "prototype", "judged_at": datetime.now(UTC)}
    return Verdict(item=item, decision=decision, scores={"hate": 0.5}, **told)


def test_review_counts_as_flagged():
    figures = judge_figures(
        TRUTH, NAMES, [verdict("bad", "review"), verdict("good", "remove"), verdict("cat", "allow")]
    )
    assert (figures.breaking, figures.flagged) == (1, 1)
    assert (figures.benign, figures.wrongly_flagged) == (2, 1)
