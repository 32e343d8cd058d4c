import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from PIL import Image
from pydantic import BaseModel

from alciato.errors import ModelError
from alciato.models import Answer, Chat, Message, Runtime, Usage
from alciato.models.answer_cache import AnswerCache
from alciato.models.calls import ChatCalls, Meter, picture_hash, retried
from alciato.models.endpoint import TransientError, Unreachable
from alciato.settings import Calls, Settings
from model_samples import fails, says

HELLO = [Message("user", "Hello")]


class Word(BaseModel):
    word: str


class Parrot:
    """A chat model that counts its calls and can be told to fail or to dawdle."""

    name, fingerprint, supports_images = "parrot", "1", True

    def __init__(self, failures: int = 0, pause: float = 0.0, error: Exception | None = None) -> None:
        self.calls = self.at_once = self.most_at_once = 0
        self.failures, self.pause = failures, pause
        self.error = error or TransientError("busy", wait=None)
        self.meter, self._lock = Meter(), threading.Lock()

    def generate(self, messages, **_parameters: float):
        with self._lock:
            self.calls += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.pause)
        with self._lock:
            self.at_once -= 1
            if self.failures > 0:
                self.failures -= 1
                raise self.error
        self.meter.add(Usage(2, 3))
        return Answer(messages[-1].text.upper(), Usage(2, 3))

    def stream(self, messages, **parameters: float):
        yield from self.generate(messages, **parameters).text

    def generate_json(self, messages, schema, **_parameters: int):
        return schema(word=self.generate(messages).text)

    def choice_logprobs(self, messages, choices):
        self.generate(messages)
        return {choice: -float(place) for place, choice in enumerate(choices)}


@pytest.fixture
def waits(monkeypatch):
    """The seconds of each wait, which is left out."""
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=slept.append))
    return slept


@pytest.fixture
def told():
    return []


@pytest.fixture
def wrapped(tmp_path, waits, told):
    def wrap(parrot: Parrot, fingerprint: str = "1", **calls: int) -> ChatCalls:
        parrot.fingerprint = fingerprint
        return ChatCalls(parrot, Settings(cache=tmp_path, calls=calls), on_wait=told.append)

    return wrap


def test_the_same_question_is_asked_once(wrapped):
    parrot = Parrot()
    chat = wrapped(parrot)
    assert not chat.generate(HELLO).cached
    again = chat.generate(HELLO)
    assert (again.text, again.cached, again.usage) == ("HELLO", True, Usage())
    assert parrot.calls == 1
    assert chat.usage == Usage(2, 3)


def test_schemas_and_choices_are_cached_too(wrapped):
    parrot = Parrot()
    chat = wrapped(parrot)
    assert chat.generate_json(HELLO, Word) == chat.generate_json(HELLO, Word) == Word(word="HELLO")
    assert chat.choice_logprobs(HELLO, ["a", "b"]) == chat.choice_logprobs(HELLO, ["a", "b"]) == {"a": 0.0, "b": -1.0}
    assert parrot.calls == 2


def test_another_process_finds_the_answer(wrapped, tmp_path):
    wrapped(Parrot()).generate(HELLO)
    code = (
        "import sys; sys.path[:0] = ['tests', 'tests/models']; from test_calls import *; parrot = Parrot();"
        f"chat = ChatCalls(parrot, Settings(cache={str(tmp_path)!r}));"
        "assert chat.generate(HELLO).cached and parrot.calls == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda chat: chat.generate([Message("user", "Hello!")]),
        lambda chat: chat.generate([Message("system", "Hello")]),
        lambda chat: chat.generate(HELLO, max_tokens=3),
        lambda chat: chat.generate([Message("user", ["Hello", Image.new("RGB", (2, 2))])]),
        lambda chat: chat.generate([Message("user", ["Hello", Image.new("RGB", (2, 2), "red")])]),
        lambda chat: chat.generate([Message("user", ["Hello", Image.new("RGB", (4, 1), "red")])]),
        lambda chat: chat.generate_json(HELLO, Word),
        lambda chat: chat.choice_logprobs(HELLO, ["a"]),
    ],
)
def test_any_difference_asks_again(wrapped, change):
    parrot = Parrot()
    chat = wrapped(parrot)
    chat.generate(HELLO)
    change(chat)
    assert parrot.calls == 2


def test_other_weights_ask_again(wrapped):
    wrapped(Parrot()).generate(HELLO)
    other = Parrot()
    wrapped(other, fingerprint="2").generate(HELLO)
    assert other.calls == 1


def test_sampled_answers_are_not_cached(wrapped):
    parrot = Parrot()
    chat = wrapped(parrot)
    chat.generate(HELLO, temperature=1.0)
    chat.generate(HELLO, temperature=1.0)
    assert parrot.calls == 2


def test_a_transient_error_is_retried_after_growing_waits(wrapped, waits, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    parrot = Parrot(failures=3)
    assert wrapped(parrot, retries=3).generate(HELLO).text == "HELLO"
    assert waits == [2, 4, 8]


def test_after_the_last_try_the_failure_is_told(wrapped):
    parrot = Parrot(failures=9)
    with pytest.raises(TransientError, match="busy"):
        wrapped(parrot, retries=2).generate(HELLO)
    assert parrot.calls == 3


@pytest.mark.parametrize(("asked", "waited"), [(33.0, 33.0), (99999.0, 60.0), (float("inf"), 60.0)])
def test_the_wait_that_the_server_asks_for_is_kept_within_bounds_and_told(wrapped, waits, told, asked, waited):
    wrapped(Parrot(failures=1, error=TransientError("busy.", wait=asked)), retries=4).generate(HELLO)
    assert waits == [waited]
    assert told == [f"busy. Waiting {waited:.0f} s before try 2 of 5."]


def test_without_a_callback_a_wait_is_logged(tmp_path, waits, caplog):
    ChatCalls(Parrot(failures=1), Settings(cache=tmp_path)).generate(HELLO)
    assert "before try 2 of 5" in caplog.text


def test_a_stream_comes_in_pieces(wrapped):
    parrot = Parrot()
    assert list(wrapped(parrot).stream(HELLO)) == list("HELLO")
    assert list(wrapped(parrot).stream(HELLO)) == list("HELLO")
    assert parrot.calls == 2  # neither is cached


@pytest.mark.parametrize(
    "found",
    [
        {"a": float("nan"), "b": -1.0},
        {"a": float("inf"), "b": -1.0},
        {"a": None, "b": -1.0},
        {"a": -1.0},
        {"a": "x", "b": -1.0},
        {"a": 0.5, "b": -1.0},
    ],
)
def test_log_probabilities_that_are_none_are_an_error_and_not_kept(wrapped, found, monkeypatch):
    """Of any chat model, one that a plug-in brings too."""
    parrot = Parrot()
    chat = wrapped(parrot)
    with monkeypatch.context() as patched:
        patched.setattr(parrot, "choice_logprobs", lambda *_: found)
        with pytest.raises(ModelError, match="no usable log-probabilities"):
            chat.choice_logprobs(HELLO, ["a", "b"])
    assert chat.choice_logprobs(HELLO, ["a", "b"]) == {"a": 0.0, "b": -1.0}


@pytest.mark.parametrize("kept", ["null", "{", '{"a": NaN, "b": -1}', '{"a": -1}', "[]"])
def test_an_answer_kept_by_an_older_version_is_asked_for_again(wrapped, tmp_path, kept):
    chat = wrapped(Parrot())
    chat.choice_logprobs(HELLO, ["a", "b"])
    with sqlite3.connect(tmp_path / "answers.sqlite") as connection:
        connection.execute("UPDATE answers SET answer = ?", (kept,))
    assert chat.choice_logprobs(HELLO, ["a", "b"]) == {"a": 0.0, "b": -1.0}


def test_other_errors_are_not_retried(wrapped):
    parrot = Parrot(failures=9, error=ModelError("wrong key"))
    with pytest.raises(ModelError, match="wrong key"):
        wrapped(parrot).generate(HELLO)
    assert parrot.calls == 1


def test_a_failure_is_not_cached(wrapped):
    parrot = Parrot(failures=1, error=ModelError("wrong key"))
    chat = wrapped(parrot)
    with pytest.raises(ModelError):
        chat.generate(HELLO)
    assert chat.generate(HELLO).text == "HELLO"


def test_waits_are_spread(waits):
    for _ in range(30):
        parrot = Parrot(failures=1)
        retried(lambda parrot=parrot: parrot.generate(HELLO), Calls(), lambda _remark: None)
    assert len(set(waits)) > 20
    assert all(0 <= wait <= 2 for wait in waits)


def test_no_more_calls_at_once_than_allowed(wrapped):
    parrot = Parrot(pause=0.02)
    chat = wrapped(parrot, concurrency=3)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda n: chat.generate([Message("user", str(n))]), range(24)))
    assert parrot.most_at_once == 3
    assert chat.usage == Usage(48, 72)


@pytest.mark.parametrize("choices", [[], ["a", "a"], ["a", ""]])
def test_choices_that_are_none_are_refused(wrapped, choices):
    with pytest.raises(ModelError, match="choices must be different"):
        wrapped(Parrot()).choice_logprobs(HELLO, choices)


def test_many_processes_share_one_cache(tmp_path):
    code = (
        "import sys; from pathlib import Path; from alciato.models.answer_cache import AnswerCache;"
        f"cache = AnswerCache(Path({str(tmp_path)!r}));"
        "[cache.put(f'{sys.argv[1]} {n}', 'x' * 1000) for n in range(40)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    with sqlite3.connect(tmp_path / "answers.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (160,)


def test_a_broken_cache_names_its_remedy(tmp_path):
    (tmp_path / "answers.sqlite").write_bytes(b"this is no database, not at all" * 100)
    with pytest.raises(ModelError, match="Delete the file"):
        AnswerCache(tmp_path).get("key")


def test_the_key_is_nowhere(tmp_path, server):
    server.script = [says("Hi"), fails(401, "bad key sk-hidden")]
    settings = Settings(cache=tmp_path, keys={"127.0.0.1": "sk-hidden"}, calls={"retries": 0})
    chat = Runtime(settings).load(f"openai:tiny@{server.url}", Chat)
    chat.generate(HELLO)
    with pytest.raises(ModelError) as caught:
        chat.generate([Message("user", "again")])
    assert "sk-hidden" not in repr(caught.value)
    assert "sk-hidden" not in str(caught.value.__cause__)
    assert all(b"sk-hidden" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_mode_and_size_are_part_of_a_picture():
    pictures = [Image.new("RGB", (2, 3)), Image.new("RGB", (3, 2)), Image.new("L", (6, 3)), Image.new("RGBA", (2, 3))]
    assert len({picture_hash(picture) for picture in pictures}) == 4


def test_a_server_that_does_not_answer_is_waited_for_once(wrapped, waits):
    parrot = Parrot(failures=7, error=Unreachable("the connection failed: refused"))
    chat = wrapped(parrot, retries=4)
    for number, calls in enumerate([5, 6, 7]):
        with pytest.raises(Unreachable):
            chat.generate([Message("user", f"post {number}")])
        assert parrot.calls == calls
    chat.generate(HELLO)
    assert (parrot.calls, len(waits)) == (8, 4)
    parrot.failures = 2  # it answered: the next failure may pass again
    chat.generate([Message("user", "post 4")])
    assert parrot.calls == 11
