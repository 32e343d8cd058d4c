"""A key is told nowhere: `alciato judge` against a hostile server, and then everything that was written is searched."""

import json
import logging
import shutil
import traceback
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from alciato.cli.main import app
from alciato.item import Item, Post, Text
from alciato.store import Collection
from model_samples import RawServer, Server, fails, says

CANARY = "sk-canary-7f3a91"
PART = CANARY[:9]
"""Nothing else that is written begins so; a key that was cut somewhere is found, too."""
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in CANARY)
POLICY = """
name: allotment
version: "1"
categories:
  - {id: threat, title: Threat, definition: Says that harm will be done., action: remove}
"""


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    """A collection of two posts, made once."""
    folder = tmp_path_factory.mktemp("posts") / "collection"
    texts = ("Tonight we burn your shed", "The beans are ripe")
    Collection.open(folder).add(Post(Item(id=f"p{n}", parts=(Text(text=text),))) for n, text in enumerate(texts))
    return folder


def repeats_the_key(body):
    """Say yes to every rule, and why in words that hold the key, escaped in one and plain in another."""
    if "response_format" in body:
        why = f'{{"reason": "because {ESCAPED}", "quote": "{CANARY}", "target": "{ESCAPED}"}}'
        return says(f'{{"threat": {why}}}')(body)
    token = {"token": "yes", "logprob": -0.01}
    return says("yes", logprobs={"content": [{**token, "top_logprobs": [token]}]})(body)


def breaks_off(wire):
    wire.sendall(f"HTTP/1.1 200 OK\r\nX-Key: {CANARY}\r\nContent-Length: 99999\r\n\r\n{CANARY}".encode())


def no_http(wire):
    wire.sendall(f"Bearer {CANARY}\r\n\r\n".encode())


LONG = "x" * 290
FAULTS = {
    "401 that repeats the key": lambda _: fails(401, f"{CANARY} is no key"),
    "400 whose message is cut within the key": lambda _: fails(400, f"{LONG}{CANARY}"),
    "500 that repeats the key": lambda _: fails(500, f"key={CANARY}"),
    "429 that repeats the key": lambda _: fails(429, CANARY, Retry_After="1", X_Key=CANARY),
    "a redirect to another host": lambda other: fails(307, "over there", Location=f"{other.url}/chat/completions"),
    "a redirect with the key in its address": lambda other: fails(302, "", Location=f"{other.url}/?key={CANARY}"),
    "a page of HTML": lambda _: lambda _body: (200, {}, f"<html>{CANARY}</html>".encode()),
    "an answer that repeats the key": lambda _: repeats_the_key,
    "an answer that is none": lambda _: says(f'{{"{ESCAPED}": "{CANARY}"}}'),
}
WIRES = {"dropped at once": lambda _wire: None, "dropped within the answer": breaks_off, "no HTTP": no_http}


@pytest.fixture
def judge(posts, tmp_path, monkeypatch, caplog, capfd):
    """Judge the posts by a server's model with a key; give all that was written, with where, and the verdicts."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("alciato.memory.limit_malloc_arenas", lambda: None)
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda _seconds: None))
    monkeypatch.chdir(tmp_path)
    for name, value in {"CACHE": tmp_path / "cache", "CALLS__RETRIES": 1, "CALLS__TIMEOUT": 5}.items():
        monkeypatch.setenv(f"ALCIATO_{name}", str(value))

    def run(url, key):
        monkeypatch.setenv("ALCIATO_KEYS", json.dumps({"127.0.0.1": key}))
        shutil.copytree(posts, tmp_path / "collection")
        (tmp_path / "allotment.yaml").write_text(POLICY)
        words = f"judge --collection collection --policy allotment.yaml --strategy prompt --model openai:m@{url}"
        files = "--report report.html --output verdicts.jsonl"
        done = CliRunner().invoke(app, [*words.split(), *files.split()])
        verdicts = list(Collection.open(tmp_path / "collection").verdicts())
        told, error = capfd.readouterr(), done.exception
        written = {
            "output": done.output,
            "standard output and error": told.out + told.err,
            "log": caplog.text + repr([record.__dict__ for record in caplog.records]),
            "error": "".join(traceback.format_exception(error)) if error else "",
            "verdicts": "\n".join(verdict.model_dump_json() for verdict in verdicts),
        }
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        written |= {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}
        return written, verdicts

    return run


def check(written, verdicts) -> None:
    """Nothing holds the key; the posts went to a person, with a reason, and into report and list."""
    assert [where for where, text in written.items() if PART in text] == []
    assert {verdict.decision for verdict in verdicts} <= {"review", "remove"}
    assert all(verdict.reasons for verdict in verdicts)
    assert {"report.html", "verdicts.jsonl"} <= {where.rsplit("/", 1)[-1] for where in written}
    assert len(verdicts) == 2


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_key_is_told_nowhere_whatever_the_server_answers(judge, fault):
    server, other = Server(), Server()
    try:
        server.script, other.script = [fault(other)], [says("yes")]
        written, verdicts = judge(server.url, f"{CANARY}\n")
    finally:
        server.close()
        other.close()
    check(written, verdicts)
    assert {headers["Authorization"] for _, _, headers in server.asked} == {f"Bearer {CANARY}"}
    assert other.asked == []


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_a_key_is_told_nowhere_whatever_becomes_of_the_connection(judge, wire):
    server = RawServer(wire)
    try:
        written, verdicts = judge(server.url, CANARY)
    finally:
        server.close()
    check(written, verdicts)
    assert server.received
    assert all(f"Bearer {CANARY}".encode() in request for request in server.received)


@pytest.mark.parametrize("key", [f"{CANARY}\nX-More: 1", f"{CANARY}\r\n\r\nGET /", f"{CANARY}\0", f"{CANARY} é"])
def test_a_key_that_no_header_may_hold_is_refused_and_told_nowhere(judge, key):
    server = Server()
    try:
        written, verdicts = judge(server.url, key)
    finally:
        server.close()
    assert [where for where, text in written.items() if PART in text] == []
    assert server.asked == []
    assert verdicts == []
    assert "the API key holds" in written["error"]
