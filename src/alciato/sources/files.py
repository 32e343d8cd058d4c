"""Which files there are under the given paths, in a fixed order, and their bytes, read without surprises."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from alciato.errors import BadMedia
from alciato.sources.skipped import Skipped, skipped, unreadable

_COLLECTION = "items.lance/_versions"  # a folder that holds this folder is a collection of Alciato's
_IGNORED = frozenset({"CVS", "__MACOSX", "Thumbs.db", "desktop.ini"})


class Found(NamedTuple):
    """A file, and the real folder that was given and holds it: nothing outside that folder belongs to the scan."""

    path: Path
    root: Path


def walk(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Found | Skipped]:
    """Yield every file under the paths once, folders in depth, names sorted.

    Left out in silence: hidden files and folders, folders of version control; reported: Alciato's own collections. A
    path that is given itself is taken even if it is hidden. Links are followed to files inside the given folder only.
    """
    seen: set[str] = set()
    for given in paths:
        path = Path(os.path.abspath(os.fspath(given)))  # noqa: PTH100 - keeps links, unlike Path.resolve
        real = Path(os.path.realpath(path))
        found = _folder(real, real) if real.is_dir() else iter([_file(path, real.parent)])
        for one in found:
            if isinstance(one, Skipped):
                yield one
            elif (key := os.path.realpath(one.path)) not in seen:
                seen.add(key)
                yield one


def _folder(folder: Path, root: Path) -> Iterator[Found | Skipped]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield skipped(folder, unreadable(error))
        return
    if is_collection(folder):
        yield skipped(folder, BadMedia("collection", "it is a collection of Alciato's, not a folder of posts."))
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED:
            continue
        if entry.is_symlink():
            yield from _link(Path(entry.path), root)
        elif entry.is_dir(follow_symlinks=False):
            yield from _folder(Path(entry.path), root)
        else:
            yield _file(Path(entry.path), root)


def is_collection(folder: Path) -> bool:
    """Whether a folder is a collection of Alciato's: it has a table of items, not only a name that looks like one."""
    return (folder / _COLLECTION).is_dir()


def _link(path: Path, root: Path) -> Iterator[Found | Skipped]:
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(root):
        error = BadMedia("outside-folder", "it is a link that leads out of the given folder.", remedy="Add its target.")
        yield skipped(path, error)
    elif not real.is_dir():  # a folder inside is walked where it lies
        yield _file(path, root)


def _file(path: Path, root: Path) -> Found | Skipped:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return skipped(path, unreadable(error))
    if not stat.S_ISREG(mode):
        return skipped(path, _not_a_file())
    return Found(path, root)


def _not_a_file() -> BadMedia:
    return BadMedia("not-a-file", "it is a folder, a device, a pipe or a socket.")


@contextmanager
def open_file(path: Path, limit: int) -> Iterator[BinaryIO]:
    """Open a regular file of at most `limit` bytes. Never blocks, even if the file has become a pipe meanwhile.

    Raises `BadMedia`: missing-file, unreadable, not-a-file, empty, too-large.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except OSError as error:
        raise unreadable(error) from error
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        os.close(number)
        raise _not_a_file()
    with os.fdopen(number, "rb") as file:
        if status.st_size == 0:
            raise BadMedia("empty", "it has no bytes.", remedy="Copy it again.")
        if status.st_size > limit:
            message = f"it has {status.st_size} bytes, at most {limit} are taken."
            raise BadMedia("too-large", message, remedy="Raise the limit in the settings if you trust it.")
        try:
            yield file
        except OSError as error:
            raise unreadable(error) from error


def read_file(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes. Raises `BadMedia` as `open_file` does."""
    with open_file(path, limit) as file:
        return file.read(os.fstat(file.fileno()).st_size)  # asked for `limit`, Python would allocate all of it
