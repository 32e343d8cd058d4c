"""Vectors of fixed lines (background texts, the examples of a policy), kept on disk by encoder and text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alciato.files import bytes_written_whole
from alciato.models.protocols import Encoder, Role
from alciato.settings import Settings


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
    with bytes_written_whole(path, "the cache of vectors") as file:
        np.save(file, vectors)
    return vectors


def _loaded(path: Path, count: int) -> NDArray[np.float32] | None:
    if not path.exists():
        return None
    try:
        kept = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):  # numpy's errors for what is no array or ends too early
        return None
    return np.asarray(kept, dtype=np.float32) if kept.ndim == 2 and len(kept) == count else None
