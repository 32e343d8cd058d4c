import base64
import io
import json
import time
from math import exp, log
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel, Field

from alciato.errors import ModelError
from alciato.models import Chat, Encoder, Message, Runtime
from alciato.models.chat_openai import ChatOpenAI, along_the_answer, normalised
from alciato.models.endpoint import Credentials, Endpoint, Refused, TimedOut, TransientError
from alciato.models.replies import TokenStep
from alciato.settings import Settings
from model_samples import check_law, fails, says

KEY = "sk-very-secret"
HELLO = [Message("user", "Hello")]


class Mood(BaseModel):
    mood: Literal["good", "bad"]
    score: float = Field(ge=0, le=1)


@pytest.fixture
def chat(server):
    return ChatOpenAI("tiny", Endpoint(server.url, Credentials.of_key(KEY), timeout=5))


def step(token: str, **alternatives: float) -> dict:
    """One token of an answer with its alternatives, as probabilities."""
    top = [{"token": name, "logprob": log(share)} for name, share in alternatives.items()]
    return {"token": token, "logprob": log(alternatives[token]), "top_logprobs": top}


def test_the_question_arrives_as_it_was_asked(chat, server):
    server.script = [says("Hi")]
    picture = Image.new("RGB", (3, 2), (200, 10, 30))
    answer = chat.generate([Message("system", "Be brief."), Message("user", [picture, "What?"])], max_tokens=7)
    assert (answer.text, answer.usage.prompt, answer.usage.completion) == ("Hi", 5, 3)
    path, body, headers = server.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("tiny", 7, 0)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    image, words = body["messages"][1]["content"]
    assert words == {"type": "text", "text": "What?"}
    sent = Image.open(io.BytesIO(base64.b64decode(image["image_url"]["url"].split(",")[1])))
    assert sent.getpixel((0, 0)) == (200, 10, 30)


def test_parts_keep_their_order(chat, server):
    server.script = [says("Hi")]
    chat.generate([Message("user", ["first", Image.new("RGB", (2, 2)), "then", Image.new("RGB", (2, 2))])])
    kinds = [part["type"] for part in server.asked[0][1]["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url"]


def test_fill_asks_for_the_schema(chat, server):
    server.script = [says('{"mood": "good", "score": 0.5}')]
    assert chat.generate_json(HELLO, Mood) == Mood(mood="good", score=0.5)
    form = server.asked[0][1]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"]["properties"]["score"]["maximum"] == 1


def test_fill_where_the_server_ignores_the_schema(chat, server):
    server.script = [says("I feel good"), says('{"mood": "glad"}'), says('```{"mood": "bad", "score": 0}```')]
    assert chat.generate_json(HELLO, Mood).mood == "bad"
    assert "JSON schema" in server.asked[1][1]["messages"][-1]["content"]
    assert "does not fit Mood: mood" in server.asked[2][1]["messages"][-1]["content"]


def test_fill_where_the_server_refuses_the_schema(chat, server):
    server.script = [fails(400, "response_format is not supported"), says('{"mood": "good", "score": 1}')]
    assert chat.generate_json(HELLO, Mood).score == 1


def test_fill_gives_up_with_the_reason(chat, server):
    server.script = [says("never")]
    with pytest.raises(ModelError, match="holds no JSON object: 'never'"):
        chat.generate_json(HELLO, Mood)
    assert len(server.asked) == 4


def test_choose_by_log_probabilities(chat, server):
    server.script = [says("yes", logprobs={"content": [step("yes", yes=0.6, no=0.2, maybe=0.2)]})]
    found = chat.choice_logprobs(HELLO, ["no", "yes"])
    assert exp(found["yes"]) == pytest.approx(0.75)
    assert exp(found["no"]) == pytest.approx(0.25)


def test_choose_follows_shared_beginnings():
    steps = [step("re", re=0.8, allow=0.2), step("move", move=0.75, view=0.25)]
    found = along_the_answer([TokenStep.model_validate(one) for one in steps], ["allow", "review", "remove"])
    assert [exp(found[choice]) for choice in ("allow", "review", "remove")] == pytest.approx([0.2, 0.2, 0.6])


def test_a_choice_that_was_not_seen_gets_the_least_seen():
    found = along_the_answer([TokenStep.model_validate(step("yes", yes=0.9, no=0.1))], ["yes", "zebra"])
    assert exp(found["zebra"]) == pytest.approx(0.1)


def test_choose_without_log_probabilities(chat, server):
    server.script = [says("yes"), says('{"choice": "no"}')]
    found = chat.choice_logprobs(HELLO, ["yes", "no"])
    assert found["no"] > -1e-6
    assert found["yes"] < -19
    assert server.asked[1][1]["response_format"]["json_schema"]["schema"]["properties"]["choice"]["enum"] == [
        "yes",
        "no",
    ]


def test_choose_where_nothing_helps(chat, server):
    server.script = [fails(400, "logprobs are not supported"), says("what?")]
    with pytest.raises(ModelError, match="holds no JSON object"):
        chat.choice_logprobs(HELLO, ["yes", "no"])


def test_normalised_is_a_distribution():
    found = normalised({"a": -1000.0, "b": -1001.0})
    assert sum(map(exp, found.values())) == pytest.approx(1)
    assert found["a"] - found["b"] == pytest.approx(1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_errors_are_told_apart(chat, server, status):
    server.script = [fails(status, "later", Retry_After="7")]
    with pytest.raises(TransientError, match=f"HTTP {status}: later") as caught:
        chat.generate(HELLO)
    assert caught.value.wait == 7


def test_a_date_to_wait_for_is_understood(chat, server):
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    server.script = [fails(429, Retry_After=date)]
    with pytest.raises(TransientError) as caught:
        chat.generate(HELLO)
    assert 90 < caught.value.wait <= 100


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422])
def test_other_statuses_are_refused(chat, server, status):
    server.script = [fails(status, f"wrong key {KEY}")]
    with pytest.raises(Refused, match=rf"HTTP {status}: wrong key \*{{{len(KEY)}}}$") as caught:
        chat.generate(HELLO)
    assert KEY not in repr(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>", "is not JSON.*'<html>'"),
        (b"[]", "wrong: Input should be an object"),
        (b"{}", "wrong at choices: Field required"),
        (b'{"choices": []}', "wrong at choices: List should have at least 1"),
        (b'{"choices": [{"message": {"content": null}}]}', "holds no text"),
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
    ],
)
def test_an_answer_that_is_none_says_so(chat, server, data, message):
    server.script = [lambda _body: (200, {}, data)]
    with pytest.raises(ModelError, match=message):
        chat.generate(HELLO)


def test_a_server_that_hangs_is_left(server):
    def hang(_body):
        time.sleep(3)
        return 200, {}, b"{}"

    server.script = [hang]
    with pytest.raises(TimedOut, match=r"no answer within 0\.3 s"):
        ChatOpenAI("tiny", Endpoint(server.url, timeout=0.3)).generate(HELLO)


def test_no_server_is_a_transient_error():
    with pytest.raises(TransientError, match="connection failed"):
        ChatOpenAI("tiny", Endpoint("http://127.0.0.1:9/v1", timeout=1)).generate(HELLO)


def test_a_proxy_is_not_told_of_local_calls(chat, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.script = [says("Hi")]
    assert ChatOpenAI("tiny", Endpoint(server.url, timeout=5)).generate(HELLO).text == "Hi"


def test_the_name_holds_no_password(tmp_path):
    settings = Settings(cache=tmp_path, keys={"127.0.0.1": KEY})
    chat = Runtime(settings).load("openai:tiny@http://me:hidden@127.0.0.1:9/v1?token=hidden", Chat)
    assert "hidden" not in chat.name + chat.fingerprint


def test_a_real_server(settings, smollm2, tmp_path):
    """llama.cpp's own, over loopback: text, schema and log-probabilities."""
    endpoint = smollm2._endpoint
    key = endpoint._authorization.removeprefix("Bearer ")
    own = Settings(cache=tmp_path, calls={"api_key": key, "api_host": "127.0.0.1"})
    chat = Runtime(own).load(f"openai:any@{endpoint.where}", Chat)
    question = [Message("user", "Is the moon made of cheese? Answer Yes or No.")]
    assert chat.generate(question, max_tokens=5).text == smollm2.generate(question, max_tokens=5).text
    assert isinstance(chat.generate_json(question, Mood, max_tokens=200), Mood)
    exact, seen = smollm2.choice_logprobs(question, ["Yes", "No"]), chat.choice_logprobs(question, ["Yes", "No"])
    assert seen["Yes"] == pytest.approx(exact["Yes"], abs=0.1)


def vectors_of(body):
    """A server's vectors: letters counted, out of order, not of length one."""
    rows = [
        {"index": i, "embedding": [1 + text.count(letter) for letter in "aeiou xyz"]}
        for i, text in enumerate(body["input"])
    ]
    return 200, {}, json.dumps({"data": rows[::-1], "usage": {"prompt_tokens": 2}}).encode()


def test_the_encoder_keeps_the_law(server, tmp_path):
    server.script = [vectors_of]
    encoder = Runtime(Settings(cache=tmp_path)).load(f"openai:embed@{server.url}", Encoder)
    assert encoder.dimension == 9
    check_law(encoder, ["aa", "", "ee o", "x" * 300, "\0"])
    assert len(encoder.encode(["a"] * 200)) == 200


@pytest.mark.parametrize(
    "data", [b"{}", b'{"data": [{"index": 0, "embedding": [0, 0]}]}', b'{"data": [{"index": 0, "embedding": ["x"]}]}']
)
def test_vectors_that_are_none_are_refused(server, tmp_path, data):
    server.script = [lambda _body: (200, {}, data)]
    with pytest.raises(ModelError):
        Runtime(Settings(cache=tmp_path)).load(f"openai:embed@{server.url}", Encoder).encode(["a"])


def test_the_encoder_tries_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda _seconds: None))
    server.script = [fails(503), vectors_of]
    vectors = Runtime(Settings(cache=tmp_path)).load(f"openai:embed@{server.url}", Encoder).encode(["a"]).dense
    assert np.isfinite(vectors).all()
