"""One OpenAI-compatible server: a request in, a validated reply out, or an error that says why not.

Requests go through the `openai` client library, over a transport that bounds seconds and bytes (`transport.py`), and
replies are validated once, here (`replies.py`). Failures that may pass (too many requests, a server in trouble, a lost
connection, a time-out) are `TransientError`, so that whoever calls can try again; all others are `ModelError`.
Neither ever holds the key, nor does any text of the server that is passed on.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import ValidationError

from alciato.errors import ModelError, UsageError
from alciato.models.offline import NetworkGuard, is_local
from alciato.models.protocols import AnyModel
from alciato.settings import Settings

if TYPE_CHECKING:
    import httpx
    import openai

TRANSIENT = {408, 409, 425, 429, 500, 502, 503, 504, 529}
OPENAI = "api.openai.com"
"""The one host that OPENAI_API_KEY is for."""
NO_KEY = "alciato attaches the key later"


class TransientError(ModelError):
    """A call that failed for a reason that may pass. `wait` is the pause that the server asked for, in seconds."""

    def __init__(self, what: str, *, wait: float | None = None, where: str | None = None) -> None:
        self.wait = wait
        super().__init__(what, where=where)


class Unreachable(TransientError):
    """A call to which no server answered: the connection failed."""


class TimedOut(Unreachable):
    """A call that took longer than settings allow."""


class Refused(ModelError):
    """The server understood the call and will not do it; `status` is its HTTP status."""

    def __init__(self, status: int, what: str, *, where: str) -> None:
        self.status = status
        super().__init__(what, where=where)


@dataclass(frozen=True)
class Credentials:
    """What a server is shown, and which texts must therefore never be told."""

    authorization: str | None = None
    secrets: tuple[str, ...] = ()

    @classmethod
    def of_key(cls, key: str | None) -> Credentials:
        """A bearer key, stripped. Raises `UsageError` if it holds what no header may hold; the key is not told."""
        key = (key or "").strip()
        if not key:
            return cls()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise UsageError(
                "the API key holds a space, a control character or a letter that no key has.",
                remedy="Copy the key again.",
            )
        return cls(f"Bearer {key}", (key,))

    @classmethod
    def of_url(cls, base_url: str) -> Credentials:
        """User and password of the URL itself, and the values of its query."""
        parts = urlsplit(base_url)
        values = tuple(value for _, value in parse_qsl(parts.query))
        if parts.username is None:
            return cls(None, values)
        user, password = unquote(parts.username), unquote(parts.password or "")
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        return cls(f"Basic {basic}", (*values, password, basic))


NO_CREDENTIALS, NO_GUARD = Credentials(), NetworkGuard()


class Endpoint:
    """A server's base URL with its credentials. Thread safe; nothing is imported or opened before the first call."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials = NO_CREDENTIALS,
        *,
        timeout: float,
        guard: NetworkGuard = NO_GUARD,
    ) -> None:
        self.where = canonical_url(base_url)
        self._host = str(urlsplit(self.where).hostname)
        guard.check(self._host)
        own, given = Credentials.of_url(base_url), credentials
        self._authorization = given.authorization or own.authorization
        self._secrets = sorted({one for one in (*own.secrets, *given.secrets) if one}, key=len, reverse=True)
        self._query = dict(parse_qsl(urlsplit(base_url).query))
        self._timeout, self._guard = timeout, guard

    def post(self, path: str, body: dict[str, Any], schema: type[AnyModel]) -> AnyModel:
        """Send a JSON body to a path below the base URL and give the reply.

        Raises:
            TransientError: 408, 429, 5xx, connection lost; `TimedOut` after the seconds that settings allow.
            Refused: another status. ModelError: a reply that does not fit the schema, or is too large.
        """
        import httpx

        try:
            response = self._call(path, body, cast_to=httpx.Response)
            received: bytes = response.read()
        except Exception as error:  # noqa: BLE001 - the edge: whatever the libraries raise becomes a ModelError
            raise self._fault(error) from None
        try:
            return schema.model_validate_json(received)
        except ValidationError as error:
            raise self._misfit(error, received) from None

    def stream(self, path: str, body: dict[str, Any], schema: type[AnyModel]) -> Iterator[AnyModel]:
        """Send a JSON body and yield the events of the reply (server-sent events). Raises as `post` does."""
        try:
            import openai

            streaming = {"cast_to": object, "stream": True, "stream_cls": openai.Stream[object]}
            events = self._call(path, {**body, "stream": True}, **streaming)
            for event in events:
                yield schema.model_validate(event)
        except ValidationError as error:
            raise self._misfit(error, b"{}") from None
        except Exception as error:  # noqa: BLE001 - as above
            raise self._fault(error) from None

    def clean(self, text: str) -> str:
        """The text without the credentials, should the server have sent them back."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    def _call(self, path: str, body: dict[str, Any], **named: Any) -> Any:
        self._guard.check(self._host)
        client, budget = self._client
        budget.start(self._timeout)
        return client.post(path, body=body, options={"params": self._query}, **named)

    @cached_property
    def _client(self) -> tuple[openai.OpenAI, Any]:
        import httpx
        import openai

        from alciato.models.transport import BoundedTransport, Budget

        budget = Budget()
        transport = BoundedTransport(self.where, self._authorization, budget, on_this_machine=is_local(self._host))
        http = httpx.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=self._timeout)
        options: dict[str, Any] = {"http_client": http}  # newer versions are typed for httpx2, and take httpx as well
        client = openai.OpenAI(api_key=NO_KEY, base_url=self.where, max_retries=0, timeout=self._timeout, **options)
        return client, budget

    def _fault(self, error: BaseException) -> ModelError:
        """What was raised below, as an error for people."""
        import httpx
        import openai

        if isinstance(error, ModelError | UsageError):
            return error if isinstance(error, ModelError) else ModelError(error.what)
        if isinstance(error, openai.APIStatusError):
            return self._status_fault(error.response)
        chain = [error, *_causes(error)]
        if any(isinstance(one, httpx.TimeoutException) for one in chain):
            return TimedOut(f"no answer within {self._timeout:g} s.", where=self.where)
        from alciato.models.transport import Compressed, TooLarge

        for one in chain:
            if isinstance(one, TooLarge | Compressed):
                return ModelError(f"{one}.", where=self.where)
        if any(isinstance(one, httpx.TransportError | OSError) for one in chain):
            return Unreachable(f"the connection failed: {self.clean(str(chain[-1]))[:300]}", where=self.where)
        reason = f"{type(error).__name__}: {self.clean(str(error))[:200]}"
        return ModelError(f"the server's answer cannot be used ({reason}).", where=self.where)

    def _status_fault(self, response: Any) -> ModelError:
        text = bytes(response.content[:20_000]).decode("utf-8", "replace")
        try:
            found = json.loads(text)["error"]
            text = str(found["message"] if isinstance(found, dict) else found)
        except (ValueError, KeyError, TypeError, RecursionError):  # not in OpenAI's form: the text itself is shown
            pass
        what = f"HTTP {response.status_code}: {self.clean(text.strip())[:300]}"
        if response.status_code in TRANSIENT:
            return TransientError(what, wait=_wait(response.headers), where=self.where)
        return Refused(response.status_code, what, where=self.where)

    def _misfit(self, error: ValidationError, received: bytes) -> ModelError:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        if place:
            return ModelError(f"the server's answer is wrong at {place}: {first['msg']}.", where=self.where)
        if first["type"] != "json_invalid":
            return ModelError(f"the server's answer is wrong: {first['msg']}.", where=self.where)
        start = self.clean(received[:1000].decode("utf-8", "replace"))[:80]
        return ModelError(f"the answer is not JSON that can be read ({first['msg']}): {start!r}", where=self.where)


def credentials_for(base_url: str, settings: Settings) -> Credentials:
    """The key that was named for this host, and no other.

    In this order: `keys` of the settings (ALCIATO_KEYS) for host and port, or for the host; `calls.api_key` if
    `calls.api_host` is this host; OPENAI_API_KEY for OpenAI's own host, encrypted.

    Raises:
        UsageError: a key that cannot be one, or `calls.api_key` without `calls.api_host`.
    """
    where = urlsplit(canonical_url(base_url))
    host = str(where.hostname)
    for named in (where.netloc, host):
        if named in settings.keys:
            return Credentials.of_key(settings.keys[named].get_secret_value())
    if settings.calls.api_key is not None:
        if settings.calls.api_host is None:
            raise UsageError(
                "calls.api_key is set, but not for which host.",
                remedy='Set calls.api_host as well, or ALCIATO_KEYS=\'{"HOST": "KEY"}\'.',
            )
        if settings.calls.api_host.strip().lower() in (where.netloc, host):
            return Credentials.of_key(settings.calls.api_key)
    if host == OPENAI and where.scheme == "https":
        return Credentials.of_key(os.environ.get("OPENAI_API_KEY"))
    return Credentials()


def canonical_url(url: str) -> str:
    """The one way to write a base URL: scheme and host in small letters, no credentials, query or closing slash.

    Raises:
        UsageError: it is not the URL of a server. The message does not hold it, since it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError("that is not the base URL of a server.", remedy="Such as http://localhost:8000/v1.")
    host = f"[{host}]" if ":" in host else host
    plain = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}{f':{port}' if port and port != plain else ''}{parts.path.rstrip('/')}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    while (error := error.__cause__ or error.__context__) is not None:  # type: ignore[assignment]
        yield error


def _wait(headers: httpx.Headers) -> float | None:
    """Seconds of Retry-After, given as a number or as a date; None where it is neither."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None  # noqa: PLR0124 - NaN
