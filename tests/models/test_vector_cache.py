import numpy as np
import pytest

from alciato.models import Embeddings
from alciato.models.vector_cache import cached_vectors
from alciato.settings import load_settings


class Counting:
    name, dimension, modalities = "test:counting", 3, frozenset({"text"})

    def __init__(self, fingerprint="one"):
        self.fingerprint, self.calls = fingerprint, 0

    def encode(self, inputs, *, role="document", instruction=None):
        del instruction
        self.calls += 1
        shift = 1.0 if role == "query" else 0.0
        return Embeddings(np.array([[len(text), shift, self.calls] for text in inputs], dtype=np.float32))


@pytest.fixture
def settings(tmp_path):
    return load_settings(cache=tmp_path)


def test_lines_are_encoded_once(settings):
    encoder = Counting()
    first = cached_vectors(encoder, settings, "lines", ["a", "bc"], "query")
    np.testing.assert_array_equal(cached_vectors(encoder, settings, "lines", ["a", "bc"], "query"), first)
    assert encoder.calls == 1
    assert first.tolist() == [[1, 1, 1], [2, 1, 1]]


@pytest.mark.parametrize(
    ("fingerprint", "lines", "role"),
    [
        ("two", ["a", "bc"], "query"),
        ("one", ["a", "bd"], "query"),
        ("one", ["a\nbc"], "query"),
        ("one", ["a", "bc"], "document"),
    ],
)
def test_another_encoder_line_or_role_is_encoded_anew(settings, fingerprint, lines, role):
    cached_vectors(Counting(), settings, "lines", ["a", "bc"], "query")
    other = Counting(fingerprint)
    cached_vectors(other, settings, "lines", lines, role)
    assert other.calls == 1


@pytest.mark.parametrize("damage", [b"", b"no array at all", "half"])
def test_a_damaged_file_is_made_anew(settings, tmp_path, damage):
    encoder = Counting()
    cached_vectors(encoder, settings, "lines", ["a", "bc"], "query")
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(path.read_bytes()[:-5] if damage == "half" else damage)
    assert cached_vectors(encoder, settings, "lines", ["a", "bc"], "query").shape == (2, 3)
    assert encoder.calls == 2
    cached_vectors(encoder, settings, "lines", ["a", "bc"], "query")
    assert encoder.calls == 2
