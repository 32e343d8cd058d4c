"""One OpenAI-compatible server over HTTP: a request in, a JSON document out, or an error that says why not.

Failures that may pass (too many requests, a server in trouble, a lost connection, a time-out) are `PassingFailure`,
so that whoever calls can try again; all others are `ModelError`. Neither ever holds the key.
"""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from alciato.errors import ModelError, UsageError
from alciato.models.offline import is_local

PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
LARGEST = 64 * 2**20  # bytes of an answer


class PassingFailure(ModelError):
    """A call that failed for a reason that may pass. `wait` is the pause that the server asked for, in seconds."""

    def __init__(self, what: str, *, wait: float | None = None, where: str | None = None) -> None:
        self.wait = wait
        super().__init__(what, where=where)


class TimedOut(PassingFailure):
    """A call that took longer than settings allow."""


class Refused(ModelError):
    """The server understood the call and will not do it; `status` is its HTTP status."""

    def __init__(self, status: int, what: str, *, where: str) -> None:
        self.status = status
        super().__init__(what, where=where)


class Endpoint:
    """A server's base URL with its key. Thread safe."""

    def __init__(self, base_url: str, key: str | None, timeout: float, *, offline: bool = False) -> None:
        self.where = canonical_url(base_url)
        parts = urlsplit(base_url)
        local = is_local(parts.hostname)
        if offline and not local:
            raise ModelError(f"offline: calls to {parts.hostname} are refused.", remedy="Name a local model.")
        self._base = base_url.rstrip("/")
        self.key = key
        self._timeout = timeout
        # A proxy of the environment must not see what is meant for this machine.
        self._client = httpx.Client(timeout=timeout, trust_env=not local, follow_redirects=False)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a JSON body to a path below the base URL and give the JSON object that comes back.

        Raises:
            PassingFailure: 429, 5xx, connection lost; `TimedOut` after the seconds that settings allow.
            Refused: another status. ModelError: no JSON object.
        """
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            status, kept, received = self._exchange(path, body, headers)
        except httpx.TimeoutException as error:
            raise TimedOut(f"no answer within {self._timeout:g} s.", where=self.where) from error
        except (httpx.TransportError, OSError) as error:
            raise PassingFailure(f"the connection failed: {self._clean(str(error))}", where=self.where) from None
        if status in PASSING:
            raise PassingFailure(self._complaint(status, received), wait=_wait(kept), where=self.where)
        if status >= 300:
            raise Refused(status, self._complaint(status, received), where=self.where)
        return self._document(received)

    def _exchange(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, httpx.Headers, bytes]:
        """One exchange within the time allowed in all: a server that drips bytes must not outlast it."""
        deadline = time.monotonic() + self._timeout
        received = bytearray()
        with self._client.stream("POST", self._base + path, json=body, headers=headers) as response:
            for piece in response.iter_bytes():
                received += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole answer took too long")
                if len(received) > LARGEST:
                    raise ModelError(f"the answer is larger than {LARGEST >> 20} MiB.", where=self.where)
            return response.status_code, response.headers, bytes(received)

    def _document(self, received: bytes) -> dict[str, Any]:
        try:
            document = json.loads(received)
        except ValueError as error:
            start = self._clean(received[:80].decode("utf-8", "replace"))
            raise ModelError(f"the answer is not JSON: {start!r}", where=self.where) from error
        if not isinstance(document, dict):
            raise ModelError("the answer is not a JSON object.", where=self.where)
        return document

    def _complaint(self, status: int, received: bytes) -> str:
        text = received[:2000].decode("utf-8", "replace")
        try:
            error = json.loads(text)["error"]
            text = error["message"] if isinstance(error, dict) else str(error)
        except (ValueError, KeyError, TypeError):  # not in OpenAI's form: the text itself is shown
            pass
        return self._clean(f"HTTP {status}: {text.strip()[:300]}")

    def _clean(self, text: str) -> str:
        return text.replace(self.key, "…") if self.key else text


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


def _wait(headers: httpx.Headers) -> float | None:
    """Seconds of Retry-After, given as a number or as a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
