"""How a chat model is called: answers cached by content, calls bounded, transient errors retried, tokens counted.

Back-off: after the n-th failure the wait is drawn from 0 to min(60, 2^n) seconds ("full jitter", Brooker, AWS
Architecture Blog, 2015), and is not less than what the server asked for, 60 seconds at most. Each wait is told.
Retries are tenacity's, not stamina's on top of it: stamina's hooks are global to the process, and where structlog is
installed they print to standard output, which holds results only.
After a call that no server answered however often it was tried, the next ones are tried once, until one is answered:
a server that is down is waited for once, not at each post.
Answers at temperature 0 are cached; sampled answers are not.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, TypeVar

from alciato.errors import ModelError
from alciato.models.answer_cache import AnswerCache
from alciato.models.endpoint import TransientError, Unreachable
from alciato.models.protocols import Answer, AnyModel, Chat, Message, Picture, Usage
from alciato.settings import Calls, Settings

if TYPE_CHECKING:
    from tenacity import RetryCallState

LONGEST_WAIT = 60.0
Result = TypeVar("Result")
WaitCallback = Callable[[str], None]
"""Takes a sentence that says why and how long a call waits."""


def log_wait(remark: str) -> None:
    """Log the remark as a warning; without any handler set, Python prints it to standard error."""
    logging.getLogger("alciato.models").warning("%s", remark)


class Meter:
    """Adds up the tokens and calls of one model, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._total = Usage()
        self._calls = 0

    def add(self, usage: Usage) -> None:
        """Count one call."""
        with self._lock:
            self._total += usage
            self._calls += 1

    @property
    def total(self) -> Usage:
        """Tokens so far."""
        return self._total

    @property
    def calls(self) -> int:
        """Calls so far."""
        return self._calls


class ChatCalls:
    """A `Chat` round a chat model. `usage` is what all calls through it took."""

    def __init__(
        self, chat: Chat, settings: Settings, *, cache: AnswerCache | None = None, on_wait: WaitCallback = log_wait
    ) -> None:
        self.chat, self.name, self.fingerprint, self.supports_images = (
            chat,
            chat.name,
            chat.fingerprint,
            chat.supports_images,
        )
        self._calls, self._on_wait = settings.calls, on_wait
        self._once, self._is_down = settings.calls.model_copy(update={"retries": 0}), False
        self._cache = cache or AnswerCache(settings.cache.expanduser())
        self._free = BoundedSemaphore(settings.calls.concurrency)
        meter = getattr(chat, "meter", None)
        self._meter: Meter | None = meter if isinstance(meter, Meter) else None

    @property
    def usage(self) -> Usage:
        """Tokens that the model took so far; answers from the cache take none."""
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

        kept = self._cached(self._key("generate", messages, [max_tokens]), text, str)
        return fresh[0] if fresh else Answer(kept, cached=True)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Iterator[str]:
        """Yield the text that follows piece by piece. A stream is neither cached nor retried. Raises `ModelError`."""
        self._check(messages)
        with self._free:
            yield from self.chat.stream(messages, max_tokens=max_tokens, temperature=temperature)

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give an instance of `schema`. Raises `ModelError`."""
        self._check(messages)
        key = self._key("generate_json", messages, [max_tokens, schema.model_json_schema()])

        def ask() -> str:
            return self._call(
                lambda: self.chat.generate_json(messages, schema, max_tokens=max_tokens)
            ).model_dump_json()

        return schema.model_validate_json(self._cached(key, ask, schema.model_validate_json))

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Give the log-probability of each choice, normalised over the choices. Raises `ModelError`."""
        self._check(messages)
        if len(set(choices)) < len(choices) or not choices or "" in choices:
            raise ModelError(f"choices must be different, and none empty; got {list(choices)}.")

        def read(answer: str) -> dict[str, float]:
            found = json.loads(answer)
            scores = {choice: float(found[choice]) for choice in choices}
            if not all(isfinite(score) and score <= 0 for score in scores.values()):
                raise ValueError(f"the log-probabilities are {scores}")
            return scores

        def ask() -> str:
            found = dict(self._call(lambda: self.chat.choice_logprobs(messages, choices)))
            try:
                return json.dumps(read(json.dumps(found)))
            except (ValueError, KeyError, TypeError) as error:
                raise ModelError(f"{self.name} gave no usable log-probabilities: {error}.") from error

        return read(self._cached(self._key("choice_logprobs", messages, list(choices)), ask, read))

    def _check(self, messages: Sequence[Message]) -> None:
        if not self.supports_images and any(message.pictures for message in messages):
            raise ModelError(f"{self.name} does not see pictures.", remedy="Name a model that does, such as a VLM.")

    def _cached(self, key: str, make: Callable[[], str], read: Callable[[str], object]) -> str:
        """The kept answer, if it can still be read; else a new one, which is kept."""
        kept = self._cache.get(key)
        if kept is not None:
            try:
                read(kept)
            except (ValueError, KeyError, TypeError):  # of an older version, or damaged
                kept = None
        if kept is None:
            kept = make()
            self._cache.put(key, kept)
        return kept

    def _call(self, ask: Callable[[], Result]) -> Result:
        def bounded() -> Result:
            with self._free:
                return ask()

        try:
            answer = retried(bounded, self._once if self._is_down else self._calls, self._on_wait)
        except Unreachable:
            self._is_down = True
            raise
        self._is_down = False
        return answer

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


def retried(ask: Callable[[], Result], calls: Calls, on_wait: WaitCallback = log_wait) -> Result:
    """Call, and call again after a transient error, `calls.retries` times at most. Raises the last error."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

    def wait(state: RetryCallState) -> float:
        drawn = random.uniform(0, min(LONGEST_WAIT, 2**state.attempt_number))  # noqa: S311 (spreads calls)
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, TransientError) else None
        return min(LONGEST_WAIT, max(drawn, asked or 0))

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        again = f"try {state.attempt_number + 1} of {calls.retries + 1}"
        on_wait(f"{str(error).rstrip('.')}. Waiting {state.upcoming_sleep:.0f} s before {again}.")

    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=stop_after_attempt(calls.retries + 1),
        wait=wait,
        before_sleep=tell,
        reraise=True,
    )
    return retrying(ask)


def picture_hash(picture: Picture) -> str:
    """SHA-256 of mode, size and pixels."""
    head = f"{picture.mode} {picture.width}x{picture.height} ".encode()
    return hashlib.sha256(head + picture.tobytes()).hexdigest()
