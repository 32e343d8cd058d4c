"""OpenMP, as the engines in C bring it, set for a machine that has other work too.

By default a thread that waits spins. Where cores are shared that costs more than the work: measured with ten other
processes on two cores, llama.cpp became nineteen times faster when waiting threads sleep.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL

REMEDY = "On Debian and Ubuntu: apt install libgomp1"
"""llama.cpp's package is the one that does not bring its own OpenMP."""


@contextmanager
def openmp(threads: int | None = None) -> Iterator[None]:
    """Set what OpenMP reads when a library is loaded inside, and put the environment back after.

    Args:
        threads: how many it may take; all cores if None.
    """
    wanted = {"OMP_WAIT_POLICY": "PASSIVE"} | ({"OMP_NUM_THREADS": str(threads)} if threads is not None else {})
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def lacks_openmp() -> bool:
    """Tell whether this is a bare Linux without OpenMP's library."""
    if sys.platform != "linux":
        return False
    try:
        with openmp():
            CDLL("libgomp.so.1")
    except OSError:
        return True
    return False
