"""The offline switch: nothing connects to another machine; addresses of this machine pass.

`NetworkGuard` is that of one runtime: whatever Alciato connects with asks it first. Libraries of different settings in
one process do not see each other's guards.
`guard_process` is for the command line, whose process has one setting: it also puts a guard before every connect, send
and name look-up made through Python's sockets, which is where httpx, requests, urllib3, huggingface_hub and asyncio
make theirs, and tells the Hugging Face libraries not to try. It is never called by the library.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from alciato.errors import AlciatoError, UsageError

VARIABLES = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_plain: dict[str, Callable[..., Any]] = {}


class Offline(AlciatoError, OSError):
    """A connection that the offline switch refused. It is an `OSError`, so that any library takes it as one."""


@dataclass(frozen=True)
class NetworkGuard:
    """Whether one runtime may connect to other machines."""

    offline: bool = False

    def check(self, host: object) -> None:
        """Raise `Offline` where a connection to that host is refused."""
        if self.offline:
            _refuse_unless_local(host)

    def check_url(self, url: str) -> None:
        """Raise `Offline` where a URL such as `s3://bucket/place` needs a refused connection; paths never do."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise UsageError("it is neither a path nor an address.", where=url) from error
        if parts.scheme in ("", "file") or len(parts.scheme) == 1:  # a path; C:/ on Windows
            return
        self.check(parts.hostname or "another machine")


def guard_process() -> None:
    """Refuse from now on every connection of this process that leaves the machine. Idempotent; for `main` only."""
    if _plain:
        return
    for name in ("connect", "connect_ex", "sendto"):
        _plain[name] = getattr(socket.socket, name)
        setattr(socket.socket, name, _guarded_method(_plain[name]))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        _plain[name] = getattr(socket, name)
        setattr(socket, name, _guarded_lookup(_plain[name]))
    os.environ.update(VARIABLES)
    _tell_hugging_face(offline=True)


def unguard_process() -> None:
    """Take the guard of the process away again."""
    for name, plain in _plain.items():
        setattr(socket.socket if name in ("connect", "connect_ex", "sendto") else socket, name, plain)
    if _plain:
        for variable in VARIABLES:
            os.environ.pop(variable, None)
        _tell_hugging_face(offline=False)
    _plain.clear()


def is_local(host: object) -> bool:
    """Whether a host name or address is this machine itself."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost", "0.0.0.0", "::"):  # noqa: S104 (compared with, not bound to)
        return True
    try:
        return ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _guarded_method(plain: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        # Paths of Unix sockets are no tuples; sendto has the address last.
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(arguments[-1], tuple):
            _refuse_unless_local(arguments[-1][0])
        return plain(self, *arguments)

    return guarded


def _guarded_lookup(plain: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: object, *arguments: Any, **named: Any) -> Any:
        _refuse_unless_local(host)
        return plain(host, *arguments, **named)

    return guarded


def _refuse_unless_local(host: object) -> None:
    if not is_local(host):
        raise Offline(f"offline: the connection to {host} is refused.", remedy="Take `offline` out of the settings.")


def _tell_hugging_face(*, offline: bool) -> None:
    """The library reads its variable once, when imported; if it already is, its constant is set as well."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = offline  # type: ignore[attr-defined]
