"""Memory that stays level over any number of posts: what is freed goes back to the system.

Without this, reading 5,000 small pictures grew by 14 to 25 % from the 1,000th to the 5,000th: LanceDB and Daft work on
some fifty threads, Arrow's own allocator (mimalloc) keeps what each of them freed, and glibc makes each its own heap.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any

M_ARENA_MAX = -8
"""Of glibc's `mallopt`: most heaps that it makes for threads; eight a core, unless told."""


@cache
def limit_malloc_arenas() -> None:
    """Let Arrow allocate from the C library's heaps, and the C library make one a core, for threads to come."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    if (library := _glibc()) is not None:
        library.mallopt(M_ARENA_MAX, max(2, os.cpu_count() or 2))


def release_memory() -> None:
    """Hand the free pages of the C library's heaps back to the system; only glibc needs it, and can."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None  # musl has none
