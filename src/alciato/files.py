"""Atomic files: an earlier file stays until the new one is whole, and two processes may write at once."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from alciato.errors import AlciatoError

_logger = logging.getLogger(__name__)


@contextmanager
def written_whole(path: str | Path, what: str) -> Iterator[IO[str]]:
    """Open a text file that is put in its place when it is whole; until then the earlier one stays.

    Its mode follows the umask, as that of every other file here does; an earlier file's mode is kept.
    What is no regular file, such as a pipe or `/dev/stdout`, is written directly.
    `what` names it in the error. Raises `AlciatoError` if it cannot be written.
    """
    # Half of a surrogate pair, which a row may hold, is escaped rather than an end of the work.
    with _written(Path(path), what, "", encoding="utf-8", errors="backslashreplace") as file:
        yield file


@contextmanager
def bytes_written_whole(path: str | Path, what: str) -> Iterator[IO[bytes]]:
    """Open a file of bytes in the same way."""
    with _written(Path(path), what, "b") as file:
        yield file


def write_cached(path: str | Path, what: str, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file of a cache, whole. One that cannot be written is logged and computed anew the next time."""
    try:
        with bytes_written_whole(path, what) as file:
            write(file)
    except AlciatoError as error:
        _logger.warning("%s It is computed anew each time; `cache` can be set to another folder.", error)


@contextmanager
def _written(path: Path, what: str, mode: str, **opening: Any) -> Iterator[IO[Any]]:
    path = path.expanduser()
    direct = path.is_relative_to("/dev") or (path.exists() and not path.is_file())
    path = path.resolve() if path.is_symlink() and not direct else path
    waiting = path if direct else path.with_name(f".{path.name[:200]}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with waiting.open(("w" if direct else "x") + mode, **opening) as file:
            yield file
        if not direct:
            if path.exists():
                waiting.chmod(path.stat().st_mode & 0o7777)
            waiting.replace(path)
    except OSError as error:
        raise AlciatoError(f"{what} cannot be written: {error.strerror or error}.", where=str(path)) from error
    finally:
        if not direct:
            with suppress(OSError):  # where the folder is none, there is nothing to remove
                waiting.unlink(missing_ok=True)
