"""A server that misbehaves in every way that was thought of: each is a `ModelError`, in time, and tells no key."""

import json
import logging
import socket
import time
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from alciato.errors import ModelError, UsageError
from alciato.models import Chat, Encoder, Message, Runtime
from alciato.models.endpoint import TimedOut, credentials_for
from alciato.models.transport import HELD, Redaction
from alciato.settings import Settings
from model_samples import RawServer, fails, says

CANARY = "sk-canary-7f3a91"
STARS = "*" * len(CANARY)
HELLO = [Message("user", "Hello")]
DEEP = b"[" * 100_000 + b"]" * 100_000


class Word(BaseModel):
    word: str


def chat_reply(**choice) -> bytes:
    return json.dumps({"choices": [{"message": {"content": "yes"}, **choice}]}).encode()


def with_logprob(value: str) -> bytes:
    token = f'"token": "yes", "logprob": {value}'
    step = f'{{{token}, "top_logprobs": [{{{token}}}]}}'
    return f'{{"choices": [{{"message": {{"content": "yes"}}, "logprobs": {{"content": [{step}]}}}}]}}'.encode()


def vectors(*rows: str) -> bytes:
    return ('{"data": [' + ", ".join(rows) + "]}").encode()


REPLIES = {
    "nothing": b"",
    "html": f"<html>{CANARY}</html>".encode(),
    "not utf-8": b"\xff\xfe\x00",
    "deep": DEEP,
    "deep inside": b'{"choices": ' + DEEP + b"}",
    "deep beside": b'{"choices": [{"message": {"content": "x"}}], "more": ' + DEEP + b"}",
    "null": b"null",
    "a number of 5,000 digits": b'{"choices": ' + b"9" * 5000 + b"}",
    "choices of a wrong type": b'{"choices": {"0": 1}}',
    "message of a wrong type": chat_reply(message="yes"),
    "message missing": b'{"choices": [{}]}',
    "content of a wrong type": chat_reply(message={"content": 5}),
    "no content": chat_reply(message={"content": None}),
    "usage of a wrong type": b'{"choices": [{"message": {"content": "x"}}], "usage": "many"}',
    "usage of 400 digits": b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": '
    + b"9" * 400
    + b"}}",
    "usage below zero": b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": -1}}',
    "usage that is NaN": b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": NaN}}',
    "steps of a wrong type": chat_reply(logprobs={"content": "x"}),
}
LOG_PROBABILITIES = ["NaN", "Infinity", "-Infinity", "null", '"x"', "5", "1e999", "9" * 400]
VECTORS = {
    "no data": b"{}",
    "fewer": vectors('{"index": 0, "embedding": [1, 2]}'),
    "more": vectors(*(f'{{"index": {n}, "embedding": [1, 2]}}' for n in range(3))),
    "an index twice": vectors(*['{"index": 0, "embedding": [1, 2]}'] * 2),
    "an index too high": vectors('{"index": 0, "embedding": [1]}', '{"index": 7, "embedding": [1]}'),
    "an index of 400 digits": vectors('{"index": 0, "embedding": [1]}', f'{{"index": {"9" * 400}, "embedding": [1]}}'),
    "two lengths": vectors('{"index": 0, "embedding": [1, 2]}', '{"index": 1, "embedding": [1]}'),
    "no numbers": vectors('{"index": 0, "embedding": []}', '{"index": 1, "embedding": []}'),
    "a vector of zeros": vectors('{"index": 0, "embedding": [0, 0]}', '{"index": 1, "embedding": [1, 0]}'),
    **{
        f"a component that is {value[:9]}": vectors(
            f'{{"index": 0, "embedding": [{value}, 1]}}', '{"index": 1, "embedding": [1, 0]}'
        )
        for value in ("NaN", "Infinity", "null", '"x"', "1e300", "9" * 400, "[1]")
    },
}


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda _seconds: None))
    return Runtime(Settings(cache=tmp_path, keys={"127.0.0.1": CANARY}, calls={"retries": 1, "timeout": 2}))


def tell_no_key(tmp_path, caught, caplog) -> None:
    """Neither the error, nor its cause, nor a log, nor a file holds the key."""
    told = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caplog.text}"
    assert CANARY not in told
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", REPLIES.values(), ids=REPLIES)
def test_a_reply_that_is_none_is_an_error(runtime, server, data, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    server.script = [lambda _body: (200, {}, data)]
    chat = runtime.load(f"openai:m@{server.url}", Chat)
    for ask in (
        lambda: chat.generate(HELLO),
        lambda: chat.generate_json(HELLO, Word),
        lambda: chat.choice_logprobs(HELLO, ["yes", "no"]),
    ):
        with pytest.raises(ModelError) as caught:
            ask()
        tell_no_key(tmp_path, caught, caplog)


@pytest.mark.parametrize("value", LOG_PROBABILITIES)
def test_a_log_probability_that_is_none_is_an_error_and_no_score(runtime, server, value):
    server.script = [lambda _body: (200, {}, with_logprob(value))]
    with pytest.raises(ModelError, match="logprob"):
        runtime.load(f"openai:m@{server.url}", Chat).choice_logprobs(HELLO, ["yes", "no"])


@pytest.mark.parametrize("data", VECTORS.values(), ids=VECTORS)
def test_vectors_that_are_none_are_an_error(runtime, server, data):
    server.script = [lambda _body: (200, {}, data)]
    with pytest.raises(ModelError):
        runtime.load(f"openai:e@{server.url}", Encoder).encode(["a", "b"])


def test_a_changed_dimension_is_an_error(runtime, server):
    server.script = [lambda _body, n=n: (200, {}, vectors(f'{{"index": 0, "embedding": {[1] * n}}}')) for n in (3, 4)]
    encoder = runtime.load(f"openai:e@{server.url}", Encoder)
    assert encoder.encode(["a"]).dense.shape == (1, 3)
    with pytest.raises(ModelError, match="have 4 numbers; before they had 3"):
        encoder.encode(["b"])


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 429, 500, 503])
def test_the_key_is_told_by_no_status_even_if_the_server_says_it(runtime, server, status, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    elsewhere = f"{server.url}/elsewhere"
    server.script = [fails(status, f"bad key {CANARY}", Retry_After="99999", Location=elsewhere)]
    with pytest.raises(ModelError) as caught:
        runtime.load(f"openai:m@{server.url}", Chat).generate(HELLO)
    tell_no_key(tmp_path, caught, caplog)
    assert all("elsewhere" not in path for path, _, _ in server.asked)  # redirects are not followed


@pytest.mark.parametrize("before", range(260, 300, 3))
def test_no_part_of_the_key_is_told_where_a_long_message_is_cut(runtime, server, before):
    server.script = [fails(400, "x" * before + CANARY)]
    with pytest.raises(ModelError) as caught:
        runtime.load(f"openai:m@{server.url}", Chat).generate(HELLO)
    assert CANARY[:6] not in str(caught.value)


@pytest.mark.parametrize("before", range(60, 80, 3))
def test_no_part_of_the_key_is_told_where_an_answer_is_cut(runtime, server, before):
    server.script = [lambda _body: (200, {}, b"x" * before + CANARY.encode())]
    with pytest.raises(ModelError) as caught:
        runtime.load(f"openai:m@{server.url}", Chat).generate(HELLO)
    assert CANARY[:6] not in str(caught.value)


@pytest.mark.parametrize("field", ["word", "other"])
def test_a_key_that_is_escaped_within_an_answer_is_kept_out_too(runtime, server, field, tmp_path):
    """In JSON the key has more than one writing: the value is cleaned, not only the text that it was parsed from."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in CANARY)
    answers = {"word": f'{{"word": "the key {escaped}"}}', "other": f'{{"{escaped}": 1}}'}
    server.script = [says(answers[field])]
    chat = runtime.load(f"openai:m@{server.url}", Chat)
    if field == "word":
        assert chat.generate_json(HELLO, Word) == Word(word="the key …")
    else:
        with pytest.raises(ModelError) as caught:
            chat.generate_json(HELLO, Word)
        assert CANARY not in f"{caught.value} {caught.value.__cause__!r}"
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_an_answer_that_repeats_the_key_is_kept_without_it(runtime, server, tmp_path):
    server.script = [says(f"your key is {CANARY}")]
    assert runtime.load(f"openai:m@{server.url}", Chat).generate(HELLO).text == f"your key is {STARS}"
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@given(st.data())
def test_no_piece_of_a_reply_holds_the_key_however_it_is_cut(data):
    before, after = (data.draw(st.text("sk-canry7 ", max_size=12)).encode() for _ in range(2))
    whole = before + CANARY.encode() + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    redacted = Redaction(CANARY.encode())
    pieces = [whole[a:b] for a, b in pairwise([0, *cuts, len(whole)]) if a < b]
    passed = b"".join([redacted(piece) for piece in pieces] + [redacted(b"")])
    assert len(passed) == len(whole)
    assert CANARY.encode() not in passed
    same = [one == other for one, other in zip(passed, whole, strict=True)]
    first = len(before)
    assert all(same[:first] + same[first + len(CANARY) :])
    assert not any(same[first + HELD - 1 : first + len(CANARY)])


def test_what_has_no_key_passes_at_once():
    redacted = Redaction(CANARY.encode())
    assert [redacted(piece) for piece in (b"such models", b" sk", b"is")] == [b"such models", b" sk", b"is"]
    assert Redaction(b"1")(b"HTTP/1.1") == b"HTTP/1.1"


def drip(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        wire.sendall(b" ")
        time.sleep(0.05)


def interim(wire: socket.socket) -> None:
    while True:
        wire.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        time.sleep(0.01)


def headers(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        wire.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def zipped(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")


def huge(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        wire.sendall(b" " * 2**20)


def garbage(wire: socket.socket) -> None:
    wire.sendall(b"\x00\x01\x02\r\n\r\n")


WIRES = {"drip": drip, "interim": interim, "headers": headers, "zipped": zipped, "huge": huge, "garbage": garbage}


@pytest.fixture
def raw():
    """A server that sends what it is told, whatever it is asked; it gives its URL."""
    listening = []

    def start(answer) -> str:
        listening.append(RawServer(answer))
        return listening[-1].url

    yield start
    for running in listening:
        running.close()


@pytest.mark.slow
@pytest.mark.parametrize("answer", WIRES.values(), ids=WIRES)
def test_no_reply_outlasts_its_time_or_its_bytes(raw, tmp_path, answer):
    settings = Settings(cache=tmp_path, keys={"127.0.0.1": CANARY}, calls={"retries": 0, "timeout": 2})
    start = time.monotonic()
    with pytest.raises(ModelError) as caught:
        Runtime(settings).load(f"openai:m@{raw(answer)}", Chat).generate(HELLO)
    assert time.monotonic() - start < 20
    assert CANARY not in repr(caught.value)
    if answer in (drip, interim):
        assert isinstance(caught.value, TimedOut)


def events(*data: str):
    body = "".join(f"data: {one}\n\n" for one in data).encode()
    return lambda _body: (200, {"Content-Type": "text/event-stream"}, body)


def test_a_stream_is_read_piece_by_piece(runtime, server):
    pieces = [json.dumps({"choices": [{"delta": {"content": piece}}]}) for piece in ("Hel", "lo", f" {CANARY}")]
    last = '{"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 3}}'
    server.script = [events(*pieces, last, "[DONE]")]
    chat = runtime.load(f"openai:m@{server.url}", Chat)
    assert list(chat.stream(HELLO)) == ["Hel", "lo", f" {STARS}"]
    assert runtime.usage.completion == 3


@pytest.mark.parametrize(
    "event", ["{", "[]", '{"choices": 5}', '{"choices": [{"delta": {"content": 5}}]}', DEEP.decode(), '{"error": "no"}']
)
def test_a_stream_that_is_none_is_an_error(runtime, server, event):
    server.script = [events(event)]
    with pytest.raises(ModelError):
        list(runtime.load(f"openai:m@{server.url}", Chat).stream(HELLO))


@pytest.mark.parametrize(
    ("url", "settings", "sent"),
    [
        ("https://api.openai.com/v1", {}, "sk-openai"),
        ("http://api.openai.com/v1", {}, None),
        ("https://api.openai.com.evil.example/v1", {}, None),
        ("https://evil.example/v1", {}, None),
        ("https://Host.example:8443/v1", {"keys": {"host.example": CANARY}}, CANARY),
        ("https://host.example:8443/v1", {"keys": {"host.example:8443": CANARY}}, CANARY),
        ("https://host.example/v1", {"keys": {"host.example:8443": CANARY}}, None),
        ("https://host.example/v1", {"calls": {"api_key": f" {CANARY}\n", "api_host": "Host.example"}}, CANARY),
        ("https://evil.example/v1", {"calls": {"api_key": CANARY, "api_host": "host.example"}}, None),
    ],
)
def test_a_key_goes_to_its_host_only(monkeypatch, tmp_path, url, settings, sent):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai\n")
    found = credentials_for(url, Settings(cache=tmp_path, **settings))
    assert found.authorization == (None if sent is None else f"Bearer {sent}")


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-a\0", "sk a", "sk-é", "sk-\u200b"])
def test_a_key_that_is_none_is_refused_untold(tmp_path, key):
    with pytest.raises(UsageError) as caught:
        credentials_for("http://h/v1", Settings(cache=tmp_path, keys={"h": key}))
    assert key not in str(caught.value)
    with pytest.raises(UsageError, match=r"calls\.api_host"):
        credentials_for("http://h/v1", Settings(cache=tmp_path, calls={"api_key": "sk"}))
