"""Settings with a cache of their own, the packaged chat model, a server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alciato.models import Chat, Runtime
from alciato.settings import Settings
from model_samples import Server


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Settings:
    return Settings(threads=1, cache=tmp_path_factory.mktemp("cache"), calls={"timeout": 600})


@pytest.fixture(scope="session")
def smollm2(settings):
    """The packaged chat model without the wrapper, so that nothing comes from the cache."""
    return Runtime(settings).load("packaged:smollm2", Chat).chat


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()
