"""One writer at a time: a lock file in a folder, a conditional put on object storage.

LanceDB's `merge_insert` from two processes loses nothing but can insert a key twice, so each write of a
collection is made under this lock. It is held for one batch, not for a whole run: two runs take turns, and so do
the threads of one process. A writer asks `check` before each write: who lost the lock is told, and stops.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from alciato.errors import AlciatoError, MissingPackage

WAIT = 600.0
"""Seconds to wait for another writer before giving up."""
LEASE = 120.0
"""Seconds after which a lock on object storage, not renewed, counts as left behind by a killed writer."""
RENEWALS = 4
"""Times that the lock is renewed within a lease; after a failure five times as often."""
_LOCK = "writer.lock"
_logger = logging.getLogger(__name__)


class WriterLock(Protocol):
    """The lock of a collection: `with` it for each write; the thread that holds it may enter it again."""

    def __enter__(self) -> Self:
        """Wait for the lock. Raises `AlciatoError` after `WAIT` seconds, or where it cannot be written."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock. Raises `AlciatoError` if it was lost meanwhile."""
        ...

    def check(self) -> None:
        """Raise `AlciatoError` if the lock is no longer held."""
        ...


def writer_lock(uri: str) -> WriterLock:
    """Give the lock of a collection."""
    if "://" in uri:
        return ObjectLock(uri)
    return FolderLock(Path(uri))


class FolderLock:
    """A lock file of the operating system: it falls with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock

        self._path = folder / ".writer.lock"
        self._lock = FileLock(str(self._path))  # each thread has its own, so that threads exclude each other

    def __enter__(self) -> Self:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=WAIT)
        except Timeout as error:
            raise _busy(str(self._path.parent)) from error
        except OSError as error:
            raise AlciatoError(
                f"the lock file cannot be written ({error.strerror or error}).",
                where=str(self._path),
                remedy="Make the folder writable, or free space on its disk; reading works without.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def check(self) -> None:
        """The operating system takes this lock from no living process."""
        if not self._lock.is_locked:
            raise AlciatoError("a write was tried without the writer's lock.", where=str(self._path))


class ObjectLock:
    """An object that only one writer can create; renewed while held, taken over when its lease ran out.

    The lease is told by the clocks of the writers: they must agree to within a quarter of `LEASE`.
    """

    def __init__(self, uri: str) -> None:
        try:
            import obstore
        except ImportError as error:
            raise MissingPackage(
                "a collection on object storage needs the package obstore.", remedy="pip install 'alciato[scale]'"
            ) from error
        self._obstore, self._uri = obstore, uri
        retries: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=15)}
        self._store = obstore.store.from_url(uri, retry_config=retries)
        self._missing = (FileNotFoundError, obstore.exceptions.NotFoundError)
        self._turn = threading.RLock()  # among the threads of this process
        self._depth = 0
        self._owner = uuid.uuid4().hex
        self._end = 0.0  # of the lease, on this process's own clock
        self._lost = threading.Event()
        self._released = threading.Event()
        self._renewing: threading.Thread | None = None

    def __enter__(self) -> Self:
        deadline = time.monotonic() + WAIT
        if not self._turn.acquire(timeout=WAIT):
            raise _busy(self._uri)
        try:
            if self._depth == 0:
                self._take(deadline)
        except BaseException:
            self._turn.release()
            raise
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        try:
            if self._depth == 0:
                self._stop_renewing()
                self._release()
                if error is None:
                    self.check_lease()
        finally:
            self._turn.release()

    def check(self) -> None:
        """Raise `AlciatoError` if this thread does not hold the lock, or its lease ran out."""
        if self._depth == 0:
            raise AlciatoError("a write was tried without the writer's lock.", where=self._uri)
        self.check_lease()

    def check_lease(self) -> None:
        """Raise `AlciatoError` if another writer may have taken the lock over."""
        if self._lost.is_set() or time.monotonic() > self._end:
            raise AlciatoError(
                "the writer's lock was lost: it could not be renewed in time, so another process may be writing.",
                where=self._uri,
                remedy="Run this again: what was saved before is kept, and the last batch is done again.",
            )

    def _take(self, deadline: float) -> None:
        self._owner = uuid.uuid4().hex  # a claim that an earlier try may have left behind is not this one's
        while not self._try():
            if time.monotonic() > deadline:
                raise _busy(self._uri)
            time.sleep(0.2)
        self._lost.clear()
        self._released.clear()
        self._renewing = threading.Thread(target=self._renew, name="writer-lock", daemon=True)
        self._renewing.start()

    def _try(self) -> bool:
        """Create the object, or take over one whose lease ran out."""
        exceptions = self._obstore.exceptions
        try:
            self._put(mode="create")
        except exceptions.AlreadyExistsError:
            return self._take_over()
        except (exceptions.BaseError, OSError) as error:
            raise self._unwritable(error) from error
        return True

    def _take_over(self) -> bool:
        try:
            claim = self._claim_there()
            if claim["owner"] == self._owner:  # the answer to the put was lost, not the put
                self._end = time.monotonic() + claim["until"] - time.time()
                return True
            if claim["until"] > time.time():
                return False
            self._put(mode={"e_tag": claim["tag"]})
        except (*self._missing, self._obstore.exceptions.PreconditionError):
            return False  # released or taken by another in between: try again
        except (self._obstore.exceptions.BaseError, OSError) as error:
            raise self._unwritable(error) from error
        return True

    def _unwritable(self, error: BaseException) -> AlciatoError:
        return AlciatoError(
            f"the writer's lock cannot be written: {_first_line(error)}",
            where=self._uri,
            remedy="Check the bucket's name, the credentials and the connection.",
        )

    def _renew(self) -> None:
        """Renew until released; after an error try again soon, until the lease has run out."""
        pause = LEASE / RENEWALS
        while not self._released.wait(pause):
            try:
                claim = self._claim_there()
                if claim["owner"] != self._owner:
                    break
                self._put(mode={"e_tag": claim["tag"]})
                pause = LEASE / RENEWALS
            except (*self._missing, AlciatoError):
                break
            except (self._obstore.exceptions.BaseError, OSError) as error:
                _logger.warning("%s: the writer's lock could not be renewed yet: %s", self._uri, _first_line(error))
                pause = LEASE / RENEWALS / 5
            if time.monotonic() > self._end:
                break
        else:
            return
        self._lost.set()

    def _stop_renewing(self) -> None:
        self._released.set()
        if self._renewing is not None:
            self._renewing.join(timeout=30)
            self._renewing = None

    def _release(self) -> None:
        """Delete the object if it is this writer's; where the network fails, its lease ends by itself."""
        try:
            if self._claim_there()["owner"] == self._owner:
                self._obstore.delete(self._store, _LOCK)
            else:
                self._lost.set()
        except self._missing:
            self._lost.set()
        except (self._obstore.exceptions.BaseError, OSError, AlciatoError) as error:
            _logger.warning("%s: the writer's lock stays for up to %.0f s: %s", self._uri, LEASE, _first_line(error))

    def _put(self, mode: Any) -> None:
        started = time.monotonic()
        claim = {"owner": self._owner, "until": time.time() + LEASE}
        self._obstore.put(self._store, _LOCK, json.dumps(claim).encode(), mode=mode)
        self._end = started + LEASE

    def _claim_there(self) -> dict[str, Any]:
        """Owner, end of the lease and tag of the lock object. Raises `AlciatoError` where it holds something else."""
        found = self._obstore.get(self._store, _LOCK)
        try:
            claim = json.loads(bytes(found.bytes()))
            return {"owner": str(claim["owner"]), "until": float(claim["until"]), "tag": found.meta["e_tag"]}
        except (ValueError, KeyError, TypeError) as error:
            raise AlciatoError(
                "the writer's lock is damaged: it does not say whose it is.",
                where=f"{self._uri.rstrip('/')}/{_LOCK}",
                remedy="If no other process is writing, delete this object, and run this again.",
            ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _busy(uri: str) -> AlciatoError:
    return AlciatoError(
        f"another process has been writing for {WAIT:.0f} seconds.",
        where=uri,
        remedy="Wait for it to end, or end it, and run this again: what was done is kept.",
    )
