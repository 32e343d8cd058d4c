"""The demo's posts, made once."""

from pathlib import Path

import pytest

from alciato.demo import build_demo
from alciato.demo.truth import DemoTruth


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoTruth]:
    """The folder that the posts stand in, and their truth."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, build_demo(folder)
