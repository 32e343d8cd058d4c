"""Faults of storage as errors for people: a damaged file, a full disk, a folder that cannot be written.

LanceDB raises `RuntimeError`, `ValueError` and panics of Rust for all of these. `Guarded` stands around a table and
its queries and turns them into `AlciatoError`s that name the file, what is lost and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from alciato.errors import AlciatoError

MAGIC = b"LANC"
"""The last bytes of each data, index and manifest file of Lance."""
_FILE = re.compile(r"[\w./\\+%~-]*\.lance/[\w./-]+")
_FULL = re.compile(r"os error 28|No space left|os error 27|File too large|os error 122|Disk quota", re.IGNORECASE)
_LOCKED = re.compile(r"os error (?:1|13|30)\b|Permission denied|Read-only file system|Operation not permitted")
_NETWORK = re.compile(
    r"Generic (?:S3|GCS|Azure|MicrosoftAzure|HTTP)\w* error|Generic \{ store:|NoSuchBucket", re.IGNORECASE
)
_DAMAGE = re.compile(
    r"LanceError\(IO\)|Not found|was not found|corrupt|failed to decode|panicked|invalid utf-8|IO error|Invalid range"
    r"|out of bounds|not appear to be a Lance file|^lance error|^External error",
    re.IGNORECASE,
)
_ASKED_WRONG = re.compile(
    r"Error applying filter expression|Error optimizing sql filter"
    r"|No field named|Invalid user input(?!.*(?:decode|encoding|corrupt|magic))|Invalid input, Schema error"
)
"""A query's own fault, such as a column that is not there."""
_FAULTS = [
    (
        re.compile(r"Failed to parse path"),
        "the store takes no path with control characters.",
        "Name another folder.",
    ),
    (
        _FULL,
        "the disk is full: the last batch was not written, all before it is kept.",
        "Free space on that disk, or move the collection, and run this again.",
    ),
    (
        _LOCKED,
        "the collection cannot be written or read: its files do not allow it.",
        "Change the permissions of the folder, or copy the collection to one of your own.",
    ),
]
LOST = {
    "items": "posts: add their files again",
    "media": "media: add their files again",
    "readings": "readings: `alciato read` makes them again",
    "verdicts": "verdicts: `alciato judge` makes the newest ones again, older ones are gone",
    "segments": "nothing: segments are built from the readings again",
    "embeddings": "nothing: `alciato read` encodes the segments again",
    "features": "nothing: `alciato duplicates` extracts them from the media again",
    **dict.fromkeys(
        ("near_copy_keys", "near_copy_pictures", "near_copies"),
        "nothing: `alciato duplicates` compares the pictures again",
    ),
}
"""What a damaged data file of a table may cost."""


class DamagedStore(AlciatoError):
    """A file of the collection that is missing or damaged; `table` is its table, `file` the file if it is known."""

    def __init__(self, uri: str, table: str, reason: str = "") -> None:
        self.table = table
        self.file = damaged_file(uri, table, reason)
        index = "_indices" in self.file
        lost = "nothing: the index is built again" if index else f"at most {lost_with(table)}"
        super().__init__(
            f"the table {table} cannot be read: this file is missing or damaged. Lost is {lost}.",
            where=self.file,
            remedy="Run `alciato doctor --repair`.",
        )


def lost_with(table: str) -> str:
    """What the rows of a table are, and how they come back."""
    return LOST.get(table, LOST["embeddings"])


def damaged_file(uri: str, table: str, reason: str) -> str:
    """Name the damaged file: the one that the reason names, or one without the end of a Lance file, or the folder."""
    if named := _FILE.search(reason):
        path = named.group()
        inside = path.find(f"{table}.lance")
        return path if "://" in uri or inside < 0 else f"{uri}/{path[inside:]}"
    folder = Path(uri, f"{table}.lance")
    if "://" not in uri and folder.is_dir():
        for broken in broken_files(folder):
            return str(broken)
    return f"{uri}/{table}.lance"


def broken_files(folder: Path) -> Iterator[Path]:
    """Files of a table that do not end as a Lance file does: they were cut."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".lance", ".manifest") and path.is_file():
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - len(MAGIC)))
                if file.read() != MAGIC:
                    yield path


@contextmanager
def naming_faults(uri: str, table: str) -> Iterator[None]:
    """Turn what the store's library raises for a fault of storage into an `AlciatoError`; the rest passes."""
    try:
        yield
    except AlciatoError:
        raise
    except BaseException as error:
        if fault := fault_of(error, uri, table):
            raise fault from error
        raise


def fault_of(error: BaseException, uri: str, table: str) -> AlciatoError | None:
    """Give the error for people that a fault of storage is, or None if this is none."""
    panic = type(error).__name__ in ("PanicException", "RustPanic")
    reason = str(error)
    kinds = (RuntimeError, ValueError, OSError, pa.ArrowException)
    if not panic and (not isinstance(error, kinds) or _ASKED_WRONG.search(reason)):
        return None
    for pattern, what, remedy in _FAULTS:
        if pattern.search(reason):
            return AlciatoError(what, where=_named(reason, f"{uri}/{table}.lance"), remedy=remedy)
    if _NETWORK.search(reason):
        return AlciatoError(
            f"the object storage cannot be used: {_storage_reason(reason)}.",
            where=uri,
            remedy="Check the bucket's name, the credentials and the connection.",
        )
    unreadable = isinstance(error, UnicodeDecodeError | pa.ArrowException)
    return DamagedStore(uri, table, reason) if panic or unreadable or _DAMAGE.search(reason) else None


def _storage_reason(reason: str) -> str:
    """What a server of object storage, or the way to it, says is wrong; the rest of the message is the library's."""
    if re.search(r"NoSuchBucket|bucket does not exist", reason):
        return "there is no such bucket"
    said = re.search(r'message: "([^"]+)"|<Message>([^<]+)</Message>', reason)
    if said:
        return str(said[1] or said[2]).rstrip(".")
    if status := re.search(r"\bstatus: (\d{3})\b", reason):
        return f"the server answers with HTTP status {status[1]}"
    return reason.strip().splitlines()[0][:200].rstrip(".")


def _named(reason: str, place: str) -> str:
    found = _FILE.search(reason)
    return found.group() if found else place


class Guarded:
    """A table of LanceDB, or a query on it, whose faults of storage are `AlciatoError`s."""

    def __init__(self, inner: Any, uri: str, table: str) -> None:
        self._inner, self._uri, self._table = inner, uri, table

    def __getattr__(self, name: str) -> Any:
        """Give an attribute of the table or query, guarded too where it is called."""
        with naming_faults(self._uri, self._table):
            value = getattr(self._inner, name)
        return self._guarded(value) if callable(value) else value

    def _guarded(self, method: Any) -> Any:
        def call(*values: Any, **named: Any) -> Any:
            with naming_faults(self._uri, self._table):
                result = method(*values, **named)
            if hasattr(result, "to_arrow") or hasattr(result, "when_matched_update_all"):
                return Guarded(result, self._uri, self._table)
            return self._stream(result) if isinstance(result, pa.RecordBatchReader | Iterator) else result

        return call

    def _stream(self, batches: Any) -> Iterator[Any]:
        stream = iter(batches)
        while True:
            with naming_faults(self._uri, self._table):
                batch = next(stream, None)
            if batch is None:
                return
            yield batch
