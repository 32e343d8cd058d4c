"""How a chat model is called: answers cached by content, calls bounded, passing failures tried again, tokens counted.

Back-off: after the n-th failure the wait is drawn from 0 to min(60, 2^n) seconds ("full jitter", Brooker, AWS
Architecture Blog, 2015), and is never less than what the server asked for.
Only what is asked at temperature 0 is cached: a warmer question wants another answer each time.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from threading import BoundedSemaphore
from typing import Any, TypeVar

from alciato.errors import ModelError
from alciato.models.answer_cache import AnswerCache
from alciato.models.endpoint import PassingFailure
from alciato.models.meter import Meter
from alciato.models.protocols import Answer, AnyModel, Chat, Message, Picture, Usage
from alciato.settings import Calls, Settings

LONGEST_WAIT = 60.0
Result = TypeVar("Result")


class ChatCalls:
    """A `Chat` round a chat model. `usage` is what all calls through it took."""

    def __init__(self, chat: Chat, settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.chat, self.name, self.fingerprint, self.supports_images = (
            chat,
            chat.name,
            chat.fingerprint,
            chat.supports_images,
        )
        self._calls, self._sleep = settings.calls, sleep
        self._cache = AnswerCache(settings.cache.expanduser())
        self._free = BoundedSemaphore(settings.calls.concurrency)
        meter = getattr(chat, "meter", None)
        self._meter: Meter | None = meter if isinstance(meter, Meter) else None

    @property
    def usage(self) -> Usage:
        """Tokens that the model took so far in this process; answers from the cache take none."""
        return self._meter.total if self._meter else Usage()

    def generate(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Answer:
        """Give the text that follows. Raises `ModelError`."""
        self._check(messages)

        def ask() -> Answer:
            return self.chat.generate(messages, max_tokens=max_tokens, temperature=temperature)

        if temperature > 0:
            return self._call(ask)
        fresh: list[Answer] = []

        def text() -> str:
            fresh.append(self._call(ask))
            return fresh[0].text

        kept = self._cached(self._key("generate", messages, [max_tokens]), text)
        return fresh[0] if fresh else Answer(kept, cached=True)

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give an instance of `schema`. Raises `ModelError`."""
        self._check(messages)
        key = self._key("generate_json", messages, [max_tokens, schema.model_json_schema()])
        kept = self._cached(
            key,
            lambda: self._call(
                lambda: self.chat.generate_json(messages, schema, max_tokens=max_tokens)
            ).model_dump_json(),
        )
        return schema.model_validate_json(kept)

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Give the log-probability of each choice, normalised over the choices. Raises `ModelError`."""
        self._check(messages)
        if len(set(choices)) < len(choices) or not choices or "" in choices:
            raise ModelError(f"choices must be different, and none empty; got {list(choices)}.")
        key = self._key("choice_logprobs", messages, list(choices))
        kept = self._cached(
            key, lambda: json.dumps(dict(self._call(lambda: self.chat.choice_logprobs(messages, choices))))
        )
        found = json.loads(kept)
        return {choice: found[choice] for choice in choices}

    def _check(self, messages: Sequence[Message]) -> None:
        if not self.supports_images and any(message.pictures for message in messages):
            raise ModelError(f"{self.name} does not see pictures.", remedy="Name a model that does, such as a VLM.")

    def _cached(self, key: str, make: Callable[[], str]) -> str:
        kept = self._cache.get(key)
        if kept is None:
            kept = make()
            self._cache.put(key, kept)
        return kept

    def _call(self, ask: Callable[[], Result]) -> Result:
        def bounded() -> Result:
            with self._free:
                return ask()

        return retried(bounded, self._calls, self._sleep)

    def _key(self, verb: str, messages: Sequence[Message], parameters: list[Any]) -> str:
        """The content of a question as a hash; the settings, with the key of the server, are no part of it."""
        turns = [
            [
                message.role,
                [part if isinstance(part, str) else {"picture": picture_hash(part)} for part in message.parts],
            ]
            for message in messages
        ]
        whole = json.dumps([verb, self.name, self.fingerprint, turns, parameters], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def retried(ask: Callable[[], Result], calls: Calls, sleep: Callable[[float], None] = time.sleep) -> Result:
    """Call, and call again after a passing failure, `calls.retries` times at most. Raises the last failure."""
    for failures in range(1, calls.retries + 2):
        try:
            return ask()
        except PassingFailure as failure:
            if failures > calls.retries:
                raise
            drawn = random.uniform(0, min(LONGEST_WAIT, 2**failures))  # noqa: S311 (spreads calls, hides nothing)
            sleep(min(10 * LONGEST_WAIT, max(drawn, failure.wait or 0)))
    raise AssertionError("the loop returns or raises")


def picture_hash(picture: Picture) -> str:
    """SHA-256 of mode, size and pixels."""
    head = f"{picture.mode} {picture.width}x{picture.height} ".encode()
    return hashlib.sha256(head + picture.tobytes()).hexdigest()
