"""`openai:MODEL@BASE_URL`: chat models of any OpenAI-compatible server (vLLM, Ollama, llama.cpp, hosted).

`generate_json` asks for `response_format` json_schema. Where the server refuses or ignores it, the schema is put into
words and the answer validated, up to TRIES times, each time telling the model what did not fit.
`choice_logprobs` reads `top_logprobs` along the answer. Servers give at most some twenty alternatives a token: a choice
that is not among them gets the least that was seen (an upper bound for it). Without log-probabilities the model is
held to one of the choices by an enum; the one it takes gets nearly all. If neither works, `ModelError`.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from math import exp, inf, log
from typing import Any, Literal, cast

from pydantic import BaseModel, create_model

from alciato.errors import ModelError, UsageError
from alciato.models.answer_schema import described, parse
from alciato.models.endpoint import Endpoint, Refused, canonical_url
from alciato.models.meter import Meter
from alciato.models.protocols import Answer, AnyModel, Chat, Encoder, Message, ModelInfo, Picture, Usage
from alciato.models.runtime import Runtime, wrong_kind

TRIES = 3
ALTERNATIVES = 20
UNLIKELY = -20.0
"""Log-probability of what the model did not take, where all that is known is what it took."""


def load_openai(rest: str, kind: type, runtime: Runtime) -> Any:
    """Load `openai:MODEL@BASE_URL` as `Chat` or `Encoder`. Nothing is called until it is used."""
    model, base_url = _parsed(rest, kind)
    settings = runtime.settings
    key = settings.calls.api_key or os.environ.get("OPENAI_API_KEY")
    endpoint = Endpoint(base_url, key, settings.calls.timeout, offline=settings.offline)
    if kind is Chat:
        return ChatOpenAI(model, endpoint)
    from alciato.models.encoder_openai import EncoderOpenAI

    return EncoderOpenAI(model, endpoint, settings.calls)


def describe(rest: str, kind: type, runtime: Runtime, *, fetch: bool = True) -> ModelInfo:
    """Describe `openai:REST` by its canonical name; the server is not asked. Raises `UsageError`."""
    del runtime, fetch
    model, base_url = _parsed(rest, kind)
    identity = f"{model}@{canonical_url(base_url)}"  # what weights the server has, it does not tell
    return ModelInfo(
        name=f"openai:{identity}",
        kind=kind.__name__,
        fingerprint=identity,
        modalities=frozenset({"text", "image"} if kind is Chat else {"text"}),
        supports_images=kind is Chat,  # the server says so itself if its model does not
        device="server",
    )


def _parsed(rest: str, kind: type) -> tuple[str, str]:
    """Model and base URL of a name without its scheme."""
    named = re.fullmatch(r"(?P<model>.+?)@(?P<base_url>https?://.+)", rest, re.IGNORECASE)
    if named is None:
        raise UsageError(
            "the name of an openai: model is openai:MODEL@BASE_URL.",
            remedy="Such as openai:qwen3-vl@http://localhost:8000/v1.",
        )
    if kind not in (Chat, Encoder):
        raise wrong_kind(f"openai:{rest}", kind, ["Chat", "Encoder"])
    return named["model"], named["base_url"]


class ChatOpenAI:
    """A `Chat` behind an OpenAI-compatible endpoint."""

    supports_images = True  # the server says so itself if its model does not

    def __init__(self, model: str, endpoint: Endpoint) -> None:
        self.name = f"openai:{model}@{endpoint.where}"
        self.fingerprint = f"{model}@{endpoint.where}"  # what weights the server has, it does not tell
        self.meter = Meter()
        self._model, self._endpoint = model, endpoint

    def generate(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Answer:
        """Give the text that follows. Raises `PassingFailure` or `ModelError`."""
        choice, usage = self.ask(messages, max_tokens=max_tokens, temperature=temperature)
        return Answer(content(choice), usage)

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give an instance of `schema`, validated. Raises `PassingFailure` or `ModelError`."""
        form = {"type": "json_schema", "json_schema": {"name": schema.__name__, "schema": schema.model_json_schema()}}
        try:
            choice, _ = self.ask(messages, max_tokens=max_tokens, temperature=0, response_format=form)
            return parse(content(choice), schema)
        except Refused as refusal:
            if refusal.status not in (400, 404, 415, 422, 501):
                raise
        except ModelError as error:
            if not str(error).startswith("the model's answer"):
                raise
        return self._generate_json_by_asking(messages, schema, max_tokens)

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Give the log-probability of each choice, normalised over the choices. Raises `ModelError`."""
        longest = max(len(choice.encode()) for choice in choices)
        try:
            choice, _ = self.ask(
                messages, max_tokens=max(1, longest), temperature=0, logprobs=True, top_logprobs=ALTERNATIVES
            )
        except Refused as refusal:
            if refusal.status not in (400, 422, 501):
                raise
            choice = {}
        steps = ((choice.get("logprobs") or {}).get("content")) or []
        if steps and steps[0].get("top_logprobs"):
            return normalised(along_the_answer(steps, choices))
        return self._choice_logprobs_by_enum(messages, choices)

    def ask(self, messages: Sequence[Message], **parameters: Any) -> tuple[dict[str, Any], Usage]:
        """One call: the first choice of the answer, and its tokens."""
        body = {"model": self._model, "messages": [turn(message) for message in messages], **parameters}
        document = self._endpoint.post("/chat/completions", body)
        usage = usage_of(document)
        self.meter.add(usage)
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise ModelError("the server's answer holds no choices.", where=self._endpoint.where)
        return choices[0], usage

    def _generate_json_by_asking(
        self, messages: Sequence[Message], schema: type[AnyModel], max_tokens: int
    ) -> AnyModel:
        turns = [*messages, Message("user", described(schema))]
        for _ in range(TRIES):
            choice, _usage = self.ask(turns, max_tokens=max_tokens, temperature=0)
            text = content(choice)
            try:
                return parse(text, schema)
            except ModelError as error:
                trouble = error
                turns = [*turns, Message("assistant", text), Message("user", f"That did not fit: {error}. Again.")]
        raise trouble

    def _choice_logprobs_by_enum(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        schema: type[BaseModel] = create_model("Choice", choice=(cast("Any", Literal[tuple(choices)]), ...))
        try:
            taken = self.generate_json(messages, schema, max_tokens=64)
        except Refused as refusal:
            raise ModelError(
                f"{self.name} gives neither log-probabilities nor schema-bound answers: {refusal.what}"
            ) from refusal
        return normalised({choice: 0.0 if choice == taken.model_dump()["choice"] else UNLIKELY for choice in choices})


def turn(message: Message) -> dict[str, Any]:
    """A message in OpenAI's form; pictures as data URLs in their place among the texts."""
    if not message.pictures:
        return {"role": message.role, "content": message.text}
    parts = [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": data_url(part)}}
        for part in message.parts
    ]
    return {"role": message.role, "content": parts}


def data_url(picture: Picture) -> str:
    """A picture as a PNG data URL, lossless."""
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def content(choice: dict[str, Any]) -> str:
    """The text of a choice. Raises `ModelError` if there is none."""
    text = (choice.get("message") or {}).get("content")
    if not isinstance(text, str):
        raise ModelError(f"the server's answer holds no text: {json.dumps(choice)[:200]}")
    return text


def usage_of(document: dict[str, Any]) -> Usage:
    """Tokens as the server counts them; zero if it does not."""
    counted = document.get("usage") or {}
    return Usage(int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0))


def along_the_answer(steps: Sequence[dict[str, Any]], choices: Sequence[str]) -> dict[str, float]:
    """Log-probability of each choice, as far as the alternatives along one answer tell.

    At each step, an alternative that fits one open choice alone settles it; one that fits several is followed if the
    answer went that way, else its probability is shared evenly among them.
    """
    mass = dict.fromkeys(choices, 0.0)
    open_choices, said, so_far = list(choices), "", 0.0
    seen = [alternative["logprob"] for alternative in steps[0]["top_logprobs"]]
    for step in steps:
        followed: list[str] = []
        for alternative in step.get("top_logprobs") or ():
            text = (said + alternative["token"]).lstrip()
            fitting = [c for c in open_choices if text and (c.startswith(text) or text.startswith(c))]
            if len(fitting) > 1 and alternative["token"] == step["token"]:
                followed = fitting
            else:
                for choice in fitting:
                    mass[choice] += exp(so_far + alternative["logprob"]) / len(fitting)
        if not followed and (said + step["token"]).strip():
            break
        said, so_far = said + step["token"], so_far + step["logprob"]
        open_choices = followed or open_choices
    least = min(seen)
    return {choice: log(share) if share > 0 else least for choice, share in mass.items()}


def normalised(scores: Mapping[str, float]) -> dict[str, float]:
    """Log-probabilities over the choices alone: their exponentials add up to one."""
    top = max(scores.values())
    if top == -inf:
        return dict.fromkeys(scores, -log(len(scores)))
    total = top + log(sum(exp(score - top) for score in scores.values()))
    return {choice: score - total for choice, score in scores.items()}
