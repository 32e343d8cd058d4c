# ruff: noqa: RUF001  # marks of other scripts are meant
"""Sentences and chunks: nothing is lost, the order is kept, the length is bounded, in scripts of all kinds."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alciato.read.sentences import chunks, sentences, word_count

JAPANESE = "今日は雨が降っています。駅まで歩いて行きました。電車はとても混んでいた！"
THAI = "วันนี้ฝนตกหนักมาก เราไม่ได้ไปตลาด แม่ทำแกงเขียวหวานให้กิน"
BENGALI = "আজ সারাদিন বৃষ্টি। খিচুড়ি আর ইলিশ মাছ ভাজা ছাড়া উপায় নেই। স্ত্রী ক্ষুধার্ত।"
ALPHABETS = {
    "Latin": "ab .!?\n-'\"1",
    "Japanese": "今日雨カ。！」 \n",
    "Thai": "เกแาำิ่ ก็\n",
    "Bengali": "আকষ্িে। ?\n",
    "signs": "👩\u200d👧🏽\ufe0f e\u0301.",
}
TEXTS = st.sampled_from(sorted(ALPHABETS)).flatmap(lambda name: st.text(ALPHABETS[name], max_size=400))


def solid(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rained. Nobody came!\n\nWe ate the cake ourselves.", 3),
        ('"Is it?" he asked. (It was.) Then it rained…', 4),
        ("Bread costs 4.80 euros at www.bakery.example today", 1),
        ("# Soup\n\n1. Chop onions. 2. Wait.", 3),
        ("Bring:\n- a blanket\n- two cups", 3),
        (JAPANESE, 3),
        ("「雨だ。」と言った。", 2),
        (BENGALI, 3),
        ("क्या हुआ? बिजली नहीं थी। सब अंधेरा था।", 3),
        ("هل وصل القطار؟ نعم وصل.", 2),
        ("မိုးရွာသည်။အိမ်ပြန်သည်။", 2),
        ("", 0),
        (" \n ", 0),
    ],
)
def test_sentences_end_at_the_marks_of_their_script(text, expected):
    found = sentences(text)
    assert len(found) == expected
    assert solid("".join(found)) == solid(text)


@given(TEXTS)
def test_sentences_lose_nothing_and_keep_the_order(text):
    found = sentences(text)
    assert solid("".join(found)) == solid(text)
    assert all(piece == piece.strip() != "" for piece in found)


@given(TEXTS, st.integers(1, 60))
def test_chunks_lose_nothing_keep_the_order_and_their_size_in_characters(text, size):
    found = chunks(text, size)
    assert solid("".join(found)) == solid(text)
    assert all(0 < len(chunk) <= size for chunk in found)


@given(TEXTS, st.integers(1, 30))
def test_chunks_lose_nothing_keep_the_order_and_their_size_in_words(text, size):
    found = chunks(text, size, "words")
    assert solid("".join(found)) == solid(text)
    assert all(chunk and word_count(chunk) <= size for chunk in found)


@pytest.mark.parametrize("text", [JAPANESE, THAI, BENGALI])
@pytest.mark.parametrize("size", [8, 13, 40])
def test_no_chunk_begins_with_a_mark_of_the_letter_before(text, size):
    found = chunks(text * 3, size)
    assert len(found) > 1
    assert not any(unicodedata.category(chunk[0]).startswith("M") for chunk in found)
    assert not any(chunk[-1] in "เแโใไ" for chunk in found[:-1])


def test_chunks_are_whole_sentences_where_these_fit():
    text = "It rained. Nobody came. We ate the cake ourselves. It was good."
    assert chunks(text, 30) == ["It rained. Nobody came.", "We ate the cake ourselves.", "It was good."]
    assert chunks(JAPANESE, 30) == [JAPANESE[:24], JAPANESE[24:]]


def test_a_word_longer_than_a_chunk_is_cut():
    assert chunks("a" * 50, 20) == ["a" * 20, "a" * 20, "a" * 10]
    assert [len(chunk) for chunk in chunks("a" * 160, 4, "words")] == [64, 64, 32]


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="size is 0"):
        chunks("text", 0)


@pytest.mark.parametrize("piece", [".", "1. ", "\n ", "a", "。", ".*", "ก"])
def test_time_grows_with_the_length_only(piece):
    started = time.process_time()
    sentences(piece * 60_000)
    chunks(piece * 60_000, 500)
    assert time.process_time() - started < 2
