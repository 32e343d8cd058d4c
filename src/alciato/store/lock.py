"""One writer at a time: a lock file in a folder, a conditional put on object storage.

LanceDB's `merge_insert` from two processes loses nothing but can insert a key twice, so each write of a
collection is made under this lock. It is held for one batch, not for a whole run: two runs take turns.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from alciato.errors import AlciatoError, MissingPackage

WAIT = 600.0
"""Seconds to wait for another writer before giving up."""
LEASE = 120.0
"""Seconds after which a lock on object storage, not renewed, counts as left behind by a killed writer."""
_LOCK = "writer.lock"


def writer_lock(uri: str) -> AbstractContextManager[Any]:
    """Give the lock of a collection; `with` it for each write. Raises `AlciatoError` after `WAIT` seconds."""
    if "://" in uri:
        return ObjectLock(uri)
    return FolderLock(Path(uri))


class FolderLock:
    """A lock file of the operating system: it falls with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock

        self._folder = folder
        self._lock = FileLock(str(folder / ".writer.lock"))

    def __enter__(self) -> None:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=WAIT)
        except Timeout as error:
            raise _busy(str(self._folder)) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class ObjectLock:
    """An object that only one writer can create; renewed while held, taken over when its lease ran out."""

    def __init__(self, uri: str) -> None:
        try:
            import obstore
        except ImportError as error:
            raise MissingPackage(
                "a collection on object storage needs the package obstore.", remedy="pip install 'alciato[scale]'"
            ) from error
        self._obstore, self._uri = obstore, uri
        self._store = obstore.store.from_url(uri)
        self._held = threading.Event()
        self._owner = uuid.uuid4().hex
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        deadline = time.monotonic() + WAIT
        while not self._try():
            if time.monotonic() > deadline:
                self._depth = 0
                raise _busy(self._uri)
            time.sleep(0.2)
        self._held.set()
        threading.Thread(target=self._renew, daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._held.clear()
            if self._claim_there()["owner"] == self._owner:
                self._obstore.delete(self._store, _LOCK)

    def _try(self) -> bool:
        """Create the object, or take over one whose lease ran out."""
        try:
            self._put(mode="create")
        except self._obstore.exceptions.AlreadyExistsError:
            return self._take_over()
        return True

    def _take_over(self) -> bool:
        try:
            claim = self._claim_there()
            if claim["until"] > time.time():
                return False
            self._put(mode={"e_tag": claim["tag"]})
        except (FileNotFoundError, self._obstore.exceptions.PreconditionError):
            return False  # released or taken by another in between: try again
        return True

    def _renew(self) -> None:
        while not _released_within(self._held, LEASE / 4):
            claim = self._claim_there()
            if claim["owner"] == self._owner:  # else this process slept past its lease: the next write tells
                self._put(mode={"e_tag": claim["tag"]})

    def _put(self, mode: Any) -> None:
        claim = {"owner": self._owner, "until": time.time() + LEASE}
        self._obstore.put(self._store, _LOCK, json.dumps(claim).encode(), mode=mode)

    def _claim_there(self) -> dict[str, Any]:
        """Owner, end of the lease and tag of the lock object."""
        found = self._obstore.get(self._store, _LOCK)
        return {**json.loads(bytes(found.bytes())), "tag": found.meta["e_tag"]}


def _released_within(held: threading.Event, seconds: float) -> bool:
    """Wait in small steps; true as soon as the lock is released."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not held.is_set():
            return True
        time.sleep(0.1)
    return not held.is_set()


def _busy(uri: str) -> AlciatoError:
    return AlciatoError(
        f"another process has been writing for {WAIT:.0f} seconds.",
        where=uri,
        remedy="Wait for it to end, or end it, and run this again: what was done is kept.",
    )
