"""`openai:MODEL@BASE_URL`: chat models of any OpenAI-compatible server (vLLM, Ollama, llama.cpp, hosted).

`generate_json` asks for `response_format` json_schema. Where the server refuses or ignores it, the schema is put into
words and the answer validated, up to three times, each time telling the model what did not fit.
`choice_logprobs` reads `top_logprobs` along the answer. Servers give at most some twenty alternatives a token: a choice
that is not among them gets the least that was seen (an upper bound for it). Without log-probabilities the model is
held to one of the choices by an enum; the one it takes gets nearly all. If neither works, `ModelError`.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from math import exp, inf, isnan, log
from typing import Any, Literal, cast

from pydantic import BaseModel, create_model

from alciato.errors import ModelError, UsageError
from alciato.models.answer_schema import ask_until_valid, parse
from alciato.models.calls import Meter
from alciato.models.endpoint import Endpoint, Refused, canonical_url, credentials_for
from alciato.models.protocols import Answer, AnyModel, Chat, Encoder, Message, ModelInfo, Picture, Usage
from alciato.models.replies import ChatChoice, ChatChunk, ChatReply, TokenCounts, TokenStep
from alciato.models.runtime import Runtime, wrong_kind

ALTERNATIVES = 20
IMPOSSIBLE = -1e6
"""The least log-probability that is told; minus infinity is no number in JSON."""
UNLIKELY = -20.0
"""Log-probability of what the model did not take, where all that is known is what it took."""


def load_openai(rest: str, kind: type, runtime: Runtime) -> Any:
    """Load `openai:MODEL@BASE_URL` as `Chat` or `Encoder`. Nothing is called until it is used."""
    model, base_url = _parsed(rest, kind)
    settings = runtime.settings
    credentials = credentials_for(base_url, settings)
    endpoint = Endpoint(base_url, credentials, timeout=settings.calls.timeout, guard=runtime.guard)
    if kind is Chat:
        return ChatOpenAI(model, endpoint)
    from alciato.models.encoder_openai import EncoderOpenAI

    return EncoderOpenAI(model, endpoint, settings.calls, on_wait=runtime.on_wait)


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
        """Give the text that follows. Raises `TransientError` or `ModelError`."""
        choice, usage = self.ask(messages, max_tokens=max_tokens, temperature=temperature)
        return Answer(self.text_of(choice), usage)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Iterator[str]:
        """Yield the text that follows piece by piece. Raises `TransientError` or `ModelError`."""
        body = self._body(messages, max_tokens=max_tokens, temperature=temperature)
        for chunk in self._endpoint.stream("/chat/completions", body, ChatChunk):
            if chunk.usage:
                self.meter.add(usage_of(chunk.usage))
            for increment in chunk.choices[:1]:
                if increment.delta.content:
                    yield self._endpoint.clean(increment.delta.content)

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give an instance of `schema`, validated. Raises `TransientError` or `ModelError`."""
        form = {"type": "json_schema", "json_schema": {"name": schema.__name__, "schema": schema.model_json_schema()}}
        try:
            choice, _ = self.ask(messages, max_tokens=max_tokens, temperature=0, response_format=form)
            return self._answer(self.text_of(choice), schema)
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
            return self._choice_logprobs_by_enum(messages, choices)
        steps = (choice.logprobs.content if choice.logprobs else None) or []
        if steps and steps[0].top_logprobs:
            return normalised(along_the_answer(steps, choices))
        return self._choice_logprobs_by_enum(messages, choices)

    def ask(self, messages: Sequence[Message], **parameters: Any) -> tuple[ChatChoice, Usage]:
        """One call: the first choice of the answer, and its tokens."""
        reply = self._endpoint.post("/chat/completions", self._body(messages, **parameters), ChatReply)
        usage = usage_of(reply.usage)
        self.meter.add(usage)
        return reply.choices[0], usage

    def text_of(self, choice: ChatChoice) -> str:
        """The text of a choice. Raises `ModelError` if there is none."""
        if choice.message.content is None:
            raise ModelError("the server's answer holds no text.", where=self._endpoint.where)
        return self._endpoint.clean(choice.message.content)

    def _answer(self, text: str, schema: type[AnyModel]) -> AnyModel:
        """Read an answer; JSON can write the key in more than one way, so it is struck out of the values as well."""
        try:
            found = parse(text, schema)
        except ModelError as error:
            raise ModelError(self._endpoint.clean(error.what)) from None
        plain = found.model_dump_json(by_alias=True)
        cleaned = self._endpoint.clean(plain)
        return found if cleaned == plain else parse(cleaned, schema)

    def _body(self, messages: Sequence[Message], **parameters: Any) -> dict[str, Any]:
        return {"model": self._model, "messages": [turn(message) for message in messages], **parameters}

    def _generate_json_by_asking(
        self, messages: Sequence[Message], schema: type[AnyModel], max_tokens: int
    ) -> AnyModel:
        def answer(turns: Sequence[Message]) -> str:
            return self.text_of(self.ask(turns, max_tokens=max_tokens, temperature=0)[0])

        return ask_until_valid(answer, messages, schema, self._answer)

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


def usage_of(counted: TokenCounts | None) -> Usage:
    """Tokens as the server counts them; zero if it does not."""
    return Usage(counted.prompt_tokens or 0, counted.completion_tokens or 0) if counted else Usage()


def along_the_answer(steps: Sequence[TokenStep], choices: Sequence[str]) -> dict[str, float]:
    """Log-probability of each choice, as far as the alternatives along one answer tell.

    At each step, an alternative that fits one open choice alone settles it; one that fits several is followed if the
    answer went that way, else its probability is shared evenly among them.
    """
    mass = dict.fromkeys(choices, 0.0)
    open_choices, said, so_far = list(choices), "", 0.0
    for step in steps:
        followed: list[str] = []
        for alternative in step.top_logprobs or ():
            text = (said + alternative.token).lstrip()
            fitting = [c for c in open_choices if text and (c.startswith(text) or text.startswith(c))]
            if len(fitting) > 1 and alternative.token == step.token:
                followed = fitting
            else:
                for choice in fitting:
                    mass[choice] += exp(so_far + alternative.logprob) / len(fitting)
        if not followed and (said + step.token).strip():
            break
        said, so_far = said + step.token, so_far + step.logprob
        open_choices = followed or open_choices
    least = min(alternative.logprob for alternative in steps[0].top_logprobs or (steps[0],))
    return {choice: log(share) if share > 0 else least for choice, share in mass.items()}


def normalised(scores: Mapping[str, float]) -> dict[str, float]:
    """Log-probabilities over the choices alone: their exponentials add up to one. Raises `ModelError` on NaN."""
    if any(isnan(score) or score == inf for score in scores.values()):
        raise ModelError("the model's log-probabilities are no numbers.", remedy="Name another model or server.")
    bounded = {choice: max(score, IMPOSSIBLE) for choice, score in scores.items()}
    top = max(bounded.values())
    total = top + log(sum(exp(score - top) for score in bounded.values()))
    return {choice: min(0.0, score - total) for choice, score in bounded.items()}
