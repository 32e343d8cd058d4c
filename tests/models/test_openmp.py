import os

import pytest

from alciato.models.openmp import lacks_openmp, openmp


@pytest.mark.parametrize("before", [None, "7"])
def test_the_environment_is_as_before(monkeypatch, before):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if before:
        monkeypatch.setenv("OMP_NUM_THREADS", before)
    surroundings = dict(os.environ)
    with openmp(3):
        assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "PASSIVE")
    assert dict(os.environ) == surroundings


def test_a_missing_library_is_noticed(monkeypatch):
    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("alciato.models.openmp.CDLL", absent)
    assert lacks_openmp()
    monkeypatch.setattr("alciato.models.openmp.CDLL", lambda _name: None)
    assert not lacks_openmp()
