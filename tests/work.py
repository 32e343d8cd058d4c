"""Functions that tests let worker processes run."""

import os
import signal
import time
from pathlib import Path

from alciato.errors import BadMedia


def multiplier(factor):
    def work(batch):
        return [factor * one for one in batch], os.getpid(), os.environ.get("OMP_NUM_THREADS")

    return work


def killed_by(poison, folder):
    """A worker that dies on an item: always on `poison`, the first time only on any other that has no file yet."""

    def work(batch):
        for one in batch:
            Path(folder, f"{one}-{os.getpid()}-{time.monotonic_ns()}").touch()
            if one == poison or (one == "once" and len(list(Path(folder).glob("once-*"))) == 1):
                os.kill(os.getpid(), signal.SIGKILL)
        return list(batch)

    return work


def fails(batch_with):
    def work(batch):
        if batch_with in batch:
            raise BadMedia("broken", f"{batch_with} is broken.", where="here", remedy="Mend it.")
        return batch

    return work


def fails_at_start():
    raise BadMedia("missing", "no model is there.")


def dies_at_start():
    os.kill(os.getpid(), signal.SIGKILL)


def prints(batch):
    print("a library prints")
    os.write(1, b"and so does its C code\n")
    return batch


def printing():
    return prints


def slow(seconds):
    def work(batch):
        time.sleep(seconds)
        return batch

    return work


def squares(count):
    for number in range(count):
        yield number, number * number, os.getpid()


def refuses():
    yield 1
    raise BadMedia("broken", "it is broken.")


def burns():
    while True:
        pass


def fills(size):
    return len(bytearray(size))


def dies():
    os.abort()


def sleeps(seconds):
    time.sleep(seconds)
