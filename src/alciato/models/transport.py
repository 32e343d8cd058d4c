"""HTTP to one model server, bounded: total seconds, total bytes, no compression, no redirect, a guard before connects.

httpx bounds each single read; a server that drips bytes, or sends endless 1xx answers, outlasts that. Here a call has a
deadline, and each step of it gets what is left. The limits stand below HTTP, at the socket, so that nothing of a reply
is left out: interim answers, headers and bodies alike. The key is attached here, at the last step, for one host only:
no library above ever holds it, so none can put it into a message or send it elsewhere; and where a server sends it
back, it is struck out of the bytes as they come in (`Redaction`), before any library can log or quote it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import httpcore
import httpx

LARGEST = 64 * 2**20
"""Bytes of one reply."""
CHUNK = 2**14
SHORTEST_KEY = 8
"""Bytes of a key that is struck out of replies; a shorter one could be a part of anything."""
HELD = 4
"""Bytes of a key's beginning, at the end of a piece, that wait for the next piece."""
KEPT_HEADERS = {b"host", b"content-type", b"content-length", b"transfer-encoding", b"accept"}
"""Of the headers that the client library sets; the others tell of this machine, or of other providers."""


class TooLarge(httpx.TransportError):
    """A reply of more bytes than are taken."""


class Compressed(httpx.TransportError):
    """A reply that is compressed although that was not asked for: its true size is not known."""


class Budget(local):
    """Seconds and bytes that are left to the call under way on this thread."""

    deadline = 0.0
    received = 0

    def start(self, seconds: float) -> None:
        """Begin a call."""
        self.deadline, self.received = time.monotonic() + seconds, 0

    def seconds(self) -> float:
        """Give the seconds that are left. Raises `httpcore.ReadTimeout` if none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the call took too long")
        return left

    def count(self, received: int) -> None:
        """Count bytes of the reply. Raises `TooLarge`."""
        self.received += received
        if self.received > LARGEST:
            raise TooLarge(f"the reply is larger than {LARGEST >> 20} MiB")


class Redaction:
    """The bytes of one connection, in which a key is replaced by as many asterisks, also where two pieces share it.

    A beginning of the key at the end of a piece is held back until the next one comes. Shorter than `HELD`, it is
    passed on, lest the end of a reply be waited for; then the rest of the key is struck out.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = key if len(key) >= SHORTEST_KEY else b""
        self._held = self._last = b""

    def __call__(self, received: bytes) -> bytes:
        """Give what may be passed on; after the last piece (empty) all that was held back."""
        if not self._key:
            return received
        whole = (self._last + self._held + received).replace(self._key, b"*" * len(self._key))
        data = whole[len(self._last) :]
        begun = next((n for n in range(len(self._key) - 1, HELD - 1, -1) if whole.endswith(self._key[:n])), 0)
        cut = len(data) - (min(begun, len(data)) if received else 0)
        self._held, data = data[cut:], data[:cut]
        self._last = (self._last + data)[-(HELD - 1) :]
        return data


class BoundedTransport(httpx.BaseTransport):
    """Requests to one server within a `Budget`, with the credentials for its host."""

    def __init__(self, url: str, authorization: str | None, budget: Budget, *, on_this_machine: bool) -> None:
        self._host, self._authorization = httpx.URL(url).host, authorization
        proxy = None if on_this_machine else _proxy_for(url)  # a proxy must not see what is meant for this machine
        options: dict[str, Any] = {
            "ssl_context": httpx.create_ssl_context(),
            "max_connections": None,
            "network_backend": _Backend(budget, (authorization or "").rpartition(" ")[2].encode()),
        }
        self._pool: Any = _proxied(proxy, options) if proxy else httpcore.ConnectionPool(**options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpx's errors, `TooLarge` or `Compressed`."""
        headers = [(name, value) for name, value in request.headers.raw if name.lower() in KEPT_HEADERS]
        headers += [(b"Accept-Encoding", b"identity"), (b"User-Agent", b"alciato")]
        if self._authorization is not None and request.url.host == self._host:
            headers.append((b"Authorization", self._authorization.encode("ascii")))
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        with _as_httpx():
            answer = self._pool.handle_request(
                httpcore.Request(request.method, url, headers=headers, content=request.stream)
            )
        response = httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            response.close()
            raise Compressed("the reply is compressed, which was not asked for")
        return response

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A reply's body, with httpx's errors."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._stream

    def close(self) -> None:
        getattr(self._stream, "close", lambda: None)()


class _Backend(httpcore.NetworkBackend):
    """Connections whose every step takes what is left of the budget."""

    def __init__(self, budget: Budget, key: bytes) -> None:
        self._plain, self._budget, self._key = httpcore.SyncBackend(), budget, key

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        stream = self._plain.connect_tcp(host, port, self._budget.seconds(), local_address, socket_options)
        return _Stream(stream, self._budget, self._key)

    def connect_unix_socket(self, *_arguments: Any, **_named: Any) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("Unix sockets are not used")


class _Stream(httpcore.NetworkStream):
    def __init__(self, plain: httpcore.NetworkStream, budget: Budget, key: bytes) -> None:
        self._plain, self._budget, self._key = plain, budget, key
        self._redacted = Redaction(key)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        while True:
            received = self._plain.read(max_bytes, self._budget.seconds())
            self._budget.count(len(received))
            passed = self._redacted(received)
            if passed or not received:  # nothing means to the reader that the connection is closed
                return passed

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        for start in range(0, len(buffer), CHUNK):
            self._plain.write(buffer[start : start + CHUNK], self._budget.seconds())

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del timeout
        plain = self._plain.start_tls(ssl_context, server_hostname, self._budget.seconds())
        return _Stream(plain, self._budget, self._key)

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise httpcore's errors as httpx's, which the client library knows."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise httpx.TransportError(str(error) or type(error).__name__) from error


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL."""
    parts = urlsplit(url)
    proxies = getproxies_environment()
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    found = proxies.get(parts.scheme) or proxies.get("all")
    return found if found is None or "://" in found else f"http://{found}"


def _proxied(proxy: str, options: dict[str, Any]) -> Any:
    parts = urlsplit(proxy)
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    plain = f"{parts.scheme}://{parts.hostname}:{parts.port or 80}"
    return httpcore.HTTPProxy(proxy_url=plain, proxy_auth=auth, **options)
