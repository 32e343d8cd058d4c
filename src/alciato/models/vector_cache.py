"""Vectors of fixed lines (background texts, the examples of a policy), kept on disk by encoder and text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from alciato.files import write_cached
from alciato.models.protocols import Encoder, Role
from alciato.settings import Settings

DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile)
"""What numpy raises for a file that is no array, ends too early, or cannot be read."""


def cached_vectors(
    encoder: Encoder, settings: Settings, name: str, lines: Sequence[str], role: Role
) -> NDArray[np.float32]:
    """Dense vectors (lines, dimension) of some lines, encoded once for each encoder (`fingerprint`) and role.

    `name` is the folder below the cache. A file that is cut short or damaged is made anew.
    """
    key = hashlib.sha256(repr((encoder.name, encoder.fingerprint, role, *lines)).encode()).hexdigest()[:24]
    path = settings.cache.expanduser() / name / f"{key}.npy"
    if (kept := _loaded(path, len(lines))) is not None:
        return kept
    vectors = np.asarray(encoder.encode(lines, role=role).dense, dtype=np.float32)
    write_cached(path, "the cache of vectors", lambda file: np.save(file, vectors))
    return vectors


def _loaded(path: Path, count: int) -> NDArray[np.float32] | None:
    kept = loaded_array(path)
    return kept if kept is not None and kept.ndim == 2 and len(kept) == count else None


def loaded_array(path: Path) -> NDArray[np.float32] | None:
    """Read a kept array; None where there is none, or a damaged one."""
    if not path.exists():
        return None
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    except DAMAGED:
        return None
