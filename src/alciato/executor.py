"""Executor: runs one function over many batches in worker processes, or one call in a process with limits.

    task = Task("alciato.read.pipeline:batch_function", (uri, settings))
    for done in run(task, batches, workers=2):
        commit(done.result)

`run`: every worker imports `module:function`, calls it once with the arguments to get the function of a batch, and
keeps it, so that models are loaded once a process. Only the driver, the process that calls `run`, writes anything.
A worker that is killed is replaced and its batch is tried once more, item by item; an item that kills a worker twice
is given back with the reason. `runner="ray"` runs the same task as a Daft actor class on a Ray cluster.

`isolated`: one call on untrusted bytes in a process that is reused, with limits on processor seconds and on memory.
A call that exceeds them, or that ends its process, raises `Exceeded`; the caller's process is not touched.

Workers are programs of their own (`python -c …`), not forks: no lock or thread of the caller is inherited, and a
script needs no `if __name__ == "__main__"`. The libraries
in a worker get one thread each: as many workers as cores then keep all cores busy.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from queue import Empty, Queue
from types import GeneratorType
from typing import Any, BinaryIO, NamedTuple

from alciato.errors import AlciatoError

AHEAD = 2
"""Batches that a worker holds: the one that it works on, and the next, so that it never waits for the driver."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CALLS = 200
"""Calls after which an isolated process is replaced, so that nothing that a decoder leaks adds up."""
GRACE = 3.0
"""Wall time of an isolated call at most, as a multiple of its processor seconds: a busy machine is no attack."""
_LENGTH = struct.Struct("<Q")
_START = "from alciato.executor import _serve; _serve()"


class Task(NamedTuple):
    """`make`, as `module:function`, is called with `arguments` in each worker, and gives the function of a batch."""

    make: str
    arguments: tuple[Any, ...] = ()

    def __call__(self) -> Callable[[Any], Any]:
        """Make the function of a batch in this process."""
        made: Callable[[Any], Any] = _resolved(self.make)(*self.arguments)
        return made


class Done(NamedTuple):
    """A batch and its result; or, where `error` says so, a batch that ended its worker twice."""

    batch: Sequence[Any]
    result: Any
    error: str | None = None


class Exceeded(Exception):
    """An isolated call was ended: it exceeded its processor time or its memory, or its process died."""


@dataclass(frozen=True)
class WorkLimits:
    """Processor seconds of one call, and bytes of memory beyond what the process itself takes."""

    seconds: float
    memory_bytes: int
    each: float = 0.0
    """Further processor seconds with each value that a call has yielded, such as a page."""


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    task: Task, batches: Iterable[Sequence[Any]], *, workers: int | None = None, runner: str = "native"
) -> Generator[Done, None, None]:
    """Yield every batch with its result, in the order in which they are done.

    Args:
        task: what each worker makes once, and calls with every batch.
        batches: sequences of items; taken as they are needed.
        workers: processes; as many as cores if None. With one, all runs in this process.
        runner: `native`, or `ray` for Daft actor classes on a Ray cluster.

    Raises:
        Exception: whatever the task raised; the workers are ended first.
    """
    if runner == "ray":
        yield from _on_ray(task, batches, workers)
    elif (workers or cores()) == 1:
        work = task()
        for batch in batches:
            yield Done(batch, work(batch))
    else:
        pool = _Pool(task, batches, workers or cores())
        try:
            yield from pool.run()
        finally:  # on ctrl-C too
            pool.close()


def isolated(function: str, *arguments: Any, limits: WorkLimits) -> Iterator[Any]:
    """Call `module:function` in a limited process; yield what it yields, or the one value that it returns.

    Raises:
        Exceeded: the call passed its limits, or its process died.
        Exception: what the function raised.
    """
    if _Process.inside:  # an isolated process needs no other one
        yield from _values(_resolved(function)(*arguments))
        return
    process = _isolation.take()
    try:
        error = yield from _iterate(process, function, arguments, limits)
    except BaseException:
        process.kill()  # it may be anywhere in the call
        raise
    _isolation.give(process)
    if error is not None:
        raise error


# The driver's side


class _Process:
    """A worker process: requests go to its input, replies come from its output through a thread into a queue."""

    inside = False  # True in a worker that is isolated

    def __init__(self, replies: Queue[tuple[_Process, Any]]) -> None:
        path = os.pathsep.join(os.path.abspath(place) for place in sys.path)  # noqa: PTH100
        environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": path}
        own_group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}  # ctrl-C is the driver's
        self._popen = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **own_group
        )
        self.replies = replies
        self.given: deque[tuple[Sequence[Any], int]] = deque()  # batches that it holds, with their tries
        self.ready, self.calls = False, 0
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, kind: str, *given: Any) -> None:
        """Send a request. A process that has ended meanwhile says so by its end of output."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            _write(self._popen.stdin, (kind, *given))

    def _listen(self) -> None:
        while True:
            try:
                message = _read(self._popen.stdout)
            except (EOFError, OSError, ValueError):
                self.replies.put((self, ("ended",)))
                return
            self.replies.put((self, message))

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def end(self) -> str:
        """Say how it ended."""
        code = self._popen.wait()
        if code >= 0:
            return f"it ended with exit code {code}"
        name = signal.Signals(-code).name if -code in {one.value for one in signal.Signals} else str(-code)
        advice = ", perhaps for lack of memory" if name == "SIGKILL" else ""
        return f"it was ended by {name}{advice}"


class _Pool:
    """Worker processes over one stream of batches."""

    def __init__(self, task: Task, batches: Iterable[Sequence[Any]], workers: int) -> None:
        self._task, self._batches, self._count = task, iter(batches), workers
        self._again: deque[tuple[Sequence[Any], int]] = deque()  # batches of workers that died
        self._replies: Queue[tuple[_Process, Any]] = Queue()
        self._processes: set[_Process] = set()
        self._spent = False

    def run(self) -> Iterator[Done]:
        """Yield results until all batches are done."""
        first = [self._next() for _ in range(self._count)]
        self._again.extend(one for one in first if one is not None)
        for _ in range(max(1, len(self._again))):  # no more processes than batches
            self._start()
        while self._again or not self._spent or any(process.given for process in self._processes):
            for process in sorted(self._processes, key=lambda one: len(one.given)):
                self._feed(process)
            process, message = self._replies.get()
            yield from self._taken(process, message)

    def close(self) -> None:
        """End all workers."""
        for process in self._processes:
            process.kill()
        self._processes.clear()

    def _start(self) -> None:
        process = _Process(self._replies)
        process.send("make", self._task)
        self._processes.add(process)

    def _next(self) -> tuple[Sequence[Any], int] | None:
        if self._again:
            return self._again.popleft()
        batch = next(self._batches, None)
        self._spent = batch is None
        return None if batch is None else (batch, 0)

    def _feed(self, process: _Process) -> None:
        while len(process.given) < (AHEAD if process.ready else 1):
            if (one := self._next()) is None:
                return
            process.given.append(one)
            process.send("batch", one[0])

    def _taken(self, process: _Process, message: Any) -> Iterator[Done]:
        kind, *given = message
        if kind == "made":
            process.ready = True
        elif kind == "result":
            batch, _ = process.given.popleft()
            yield Done(batch, given[0])
        elif kind == "error":
            raise given[0]
        elif process in self._processes:
            yield from self._ended(process)

    def _ended(self, process: _Process) -> Iterator[Done]:
        """Replace a worker that died; try its batch again, item by item, and give up what killed a worker twice."""
        self._processes.discard(process)
        if not process.ready:
            if not self._processes:
                raise AlciatoError(
                    f"a worker process could not start: {process.end()}.", remedy="Run with fewer workers."
                )
            self._again.extendleft(reversed(process.given))
            return
        batch, tries = process.given.popleft()
        self._again.extendleft(reversed(process.given))  # not begun yet
        if tries == 0:
            self._again.extendleft(([item], 1) for item in reversed(batch))
        else:
            yield Done(batch, None, f"its worker process ended twice: {process.end()}.")
        if self._again or not self._spent:
            self._start()


class _Isolation:
    """Isolated processes that wait for their next call."""

    def __init__(self) -> None:
        self._idle: list[_Process] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def take(self) -> _Process:
        with self._lock:
            if self._owner != os.getpid():  # a fork may not share the pipes
                self._idle, self._owner = [], os.getpid()
            if self._idle:
                return self._idle.pop()
        return _Process(Queue())

    def give(self, process: _Process) -> None:
        with self._lock:
            if len(self._idle) < cores() and process.calls < CALLS:
                self._idle.append(process)
                return
        process.kill()

    def close(self) -> None:
        """End the processes that wait."""
        if self._owner == os.getpid():
            while self._idle:
                self._idle.pop().kill()


_isolation = _Isolation()
atexit.register(_isolation.close)


def _iterate(
    process: _Process, function: str, arguments: tuple[Any, ...], limits: WorkLimits
) -> Generator[Any, None, Exception | None]:
    """Yield the values of a call; return what it raised."""
    replies = process.replies
    process.calls += 1
    process.send("call", function, arguments, limits)
    left = limits.seconds * GRACE + 5
    values = 0
    while True:
        asked = time.monotonic()
        try:
            _, (kind, *given) = replies.get(timeout=max(0.0, left))
        except Empty:
            raise Exceeded(f"it took more than {limits.seconds * GRACE:.0f} s") from None
        left -= time.monotonic() - asked
        if kind == "value":
            left += limits.each * GRACE
            values += 1
            yield given[0]
            process.send("next")
        elif kind == "returned":
            return None
        elif kind == "error" and isinstance(given[0], MemoryError):
            raise Exceeded(f"it took more than {limits.memory_bytes / 2**20:.0f} MiB of memory")
        elif kind == "error":
            error: Exception = given[0]
            return error
        else:
            raise Exceeded(_why(process.end(), limits, values))


def _why(end: str, limits: WorkLimits, values: int) -> str:
    if "SIGXCPU" in end:
        return f"it took more than {limits.seconds + limits.each * values:.0f} s of processor time"
    return f"the process that decoded it died ({end})"


# The worker's side


def _serve() -> None:
    """Answer requests until the input ends: the main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what ctrl-C ends
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a library prints must not stand among the replies
    work: Callable[[Any], Any] | None = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            kind, *given = _read(requests)
            try:
                if kind == "make":
                    work = given[0]()
                    _write(replies, ("made",))
                elif kind == "batch" and work is not None:
                    _write(replies, ("result", work(given[0])))
                elif kind == "call":
                    _answer_call(requests, replies, *given)
            except (EOFError, BrokenPipeError):
                raise
            except BaseException as error:  # noqa: BLE001 - it is raised again in the driver
                _write(replies, ("error", _portable(error)))
    os._exit(0)  # no destructor of a library may keep it


def _answer_call(
    requests: BinaryIO, replies: BinaryIO, function: str, arguments: tuple[Any, ...], limits: WorkLimits
) -> None:
    _Process.inside = True
    call = _resolved(function)  # imports come before the limits
    used = time.process_time()
    _limit_memory(limits.memory_bytes)
    _limit_seconds(used + limits.seconds)
    for number, value in enumerate(_values(call(*arguments)), 1):
        _write(replies, ("value", value))
        _read(requests)
        if limits.each:
            _limit_seconds(used + limits.seconds + limits.each * number)
    _write(replies, ("returned",))


def _limit_seconds(until: float) -> None:
    """End this process when it has used so many processor seconds in all."""
    if sys.platform == "win32":
        return  # wall time alone bounds it there
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (int(until + 0.999), resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@cache  # what the first call left behind does not count for the next
def _limit_memory(memory_bytes: int) -> None:
    """Limit this process to so much memory beyond what it has."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):  # a system without it is bounded in time alone
        lines = open("/proc/self/status", encoding="ascii").read().splitlines()  # noqa: PTH123, SIM115
        data = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (data + memory_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _values(result: Any) -> Iterator[Any]:
    if isinstance(result, GeneratorType):
        yield from result
    else:
        yield result


def _portable(error: BaseException) -> BaseException:
    """The error itself if it can be sent; else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - an exception of a library may do anything when it is copied
        return AlciatoError(f"{type(error).__name__}: {error}")
    return error


def _resolved(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute)
    return found


def _write(pipe: Any, message: Any) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _read(pipe: Any) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    data = pipe.read(_LENGTH.unpack(head)[0])
    return pickle.loads(data)  # noqa: S301 - from a process that this one started


# Ray


class _Actor:
    def __init__(self, task: Task) -> None:
        self._work = task()

    def results(self, batches: Any) -> list[bytes]:
        given = [pickle.loads(one) for one in batches.to_pylist()]  # noqa: S301 - from the driver
        return [pickle.dumps((batch, self._work(batch))) for batch in given]


def _on_ray(task: Task, batches: Iterable[Sequence[Any]], workers: int | None) -> Iterator[Done]:
    """Run the task as a Daft actor class; batches and results travel as one binary column."""
    daft = _daft()
    binary = daft.DataType.binary()

    method = daft.method.batch(return_dtype=binary, batch_size=1)(_Actor.results)
    actor = daft.cls(type("Actor", (_Actor,), {"results": method}), max_concurrency=workers or cores())(task)
    frame = daft.from_pydict({"batch": [pickle.dumps(batch) for batch in batches]})
    results = frame.select(actor.results(frame["batch"]).alias("results"))
    for rows in results.to_arrow_iter(results_buffer_size=1):
        for row in rows.column("results").to_pylist():
            batch, result = pickle.loads(row)  # noqa: S301 - from an actor of this run
            yield Done(batch, result)


@cache
def _daft() -> Any:
    """Load Daft, quiet, and set its runner to Ray: it takes one a process, before its first plan."""
    # Daft and Ray report their use to their makers unless told not to; nothing local calls anyone here.
    os.environ |= {"DAFT_ANALYTICS_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0"}
    import daft

    try:
        daft.set_runner_ray()
    except Exception as error:
        raise AlciatoError(
            f"the runner 'ray' cannot be set: {error}.", remedy="One process runs either native or ray."
        ) from error
    return daft
