"""What reading frees goes back to the system."""

import subprocess
import sys

import pytest

SCRIPT = """
import gc
from concurrent.futures import ThreadPoolExecutor
import psutil, pyarrow as pa
from alciato.memory import limit_malloc_arenas, release_memory

limit_malloc_arenas()
assert pa.default_memory_pool().backend_name == "system"
before = psutil.Process().memory_info().rss
with ThreadPoolExecutor(8) as threads:
    held = list(threads.map(lambda _: [pa.array(range(500)) for _ in range(4_000)], range(8)))
full = psutil.Process().memory_info().rss
del held
gc.collect()
release_memory()
print((full - before) >> 20, (psutil.Process().memory_info().rss - before) >> 20)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps what is freed")
def test_what_threads_freed_is_handed_back():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    held, left = map(int, done.stdout.split())
    assert held > 100
    assert left < held / 2  # without these two calls: nearly all of it
