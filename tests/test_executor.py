"""The executor: the same results as a loop, whatever happens to the workers; isolated calls end at their limits."""

import os
import subprocess
import sys
import threading
import time

import pytest

from alciato.errors import AlciatoError, BadMedia
from alciato.executor import Exceeded, Task, WorkLimits, isolated, run

BATCHES = [[number, number + 1] for number in range(0, 40, 2)]
WIDE = WorkLimits(seconds=20, memory_bytes=2**30)


def of(name, *arguments):
    return Task(f"work:{name}", arguments)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_results_are_those_of_a_loop(workers):
    done = list(run(of("multiplier", 3), BATCHES, workers=workers))
    assert sorted(one.batch for one in done) == BATCHES
    assert all(one.result[0] == [3 * item for item in one.batch] and one.error is None for one in done)
    processes = {one.result[1] for one in done}
    assert (processes == {os.getpid()}) if workers == 1 else (1 <= len(processes) <= workers)


def test_a_worker_has_one_thread_and_the_driver_keeps_its_own():
    before = os.environ.get("OMP_NUM_THREADS")
    assert {one.result[2] for one in run(of("multiplier", 1), BATCHES[:4], workers=2)} == {"1"}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_batches_are_taken_as_they_are_needed():
    taken = []

    def endless():
        number = 0
        while True:
            taken.append(number)
            yield [number]
            number += 1

    results = run(of("multiplier", 2), endless(), workers=2)
    assert [next(results).result[0][0] % 2 for _ in range(5)] == [0] * 5
    results.close()
    assert len(taken) <= 5 + 2 * 2 + 1


def test_no_batches_give_no_results():
    assert list(run(of("multiplier", 2), [], workers=2)) == []


def test_a_killed_worker_loses_nothing(tmp_path):
    batches = [["a", "b"], ["c", "once", "d"], ["e"], ["f"]]
    done = list(run(of("killed_by", None, str(tmp_path)), batches, workers=2))
    assert sorted(item for one in done for item in one.result) == ["a", "b", "c", "d", "e", "f", "once"]
    assert [one.error for one in done] == [None] * len(done)


def test_what_kills_a_worker_twice_is_given_back_alone(tmp_path):
    batches = [["a", "b"], ["c", "poison", "d"], ["e"], ["f"]]
    done = list(run(of("killed_by", "poison", str(tmp_path)), batches, workers=2))
    lost = [one for one in done if one.error]
    assert [one.batch for one in lost] == [["poison"]]
    assert "SIGKILL" in lost[0].error
    assert sorted(item for one in done if not one.error for item in one.result) == ["a", "b", "c", "d", "e", "f"]
    assert len(list(tmp_path.glob("poison-*"))) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_ends_the_run_and_arrives_whole(workers):
    with pytest.raises(BadMedia) as raised:
        list(run(of("fails", 6), BATCHES, workers=workers))
    assert (raised.value.reason, raised.value.where, raised.value.remedy) == ("broken", "here", "Mend it.")
    assert str(raised.value) == "here: 6 is broken. Mend it."


def test_an_error_of_the_start_is_raised():
    with pytest.raises(BadMedia, match="no model is there"):
        list(run(of("fails_at_start"), BATCHES, workers=2))


def test_workers_that_cannot_start_are_reported():
    with pytest.raises(AlciatoError, match=r"could not start: it was ended by SIGKILL.*fewer workers"):
        list(run(of("dies_at_start"), BATCHES, workers=2))


def test_what_a_library_prints_does_not_disturb():
    assert [one.result for one in run(of("printing"), [[1], [2]], workers=2)] in ([[1], [2]], [[2], [1]])


INTERRUPTED = """
import os, signal, sys, threading, time
sys.path[:0] = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in what it starts in the background
from alciato.executor import Task, run
threading.Timer(2.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    for done in run(Task("work:slow", (30,)), [[1], [2], [3]], workers=2):
        print(done)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
def test_ctrl_c_ends_all_workers_at_once(pytestconfig):
    started = time.monotonic()
    command = [sys.executable, "-c", INTERRUPTED, str(pytestconfig.rootpath / "tests")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
    assert time.monotonic() - started < 20


def test_a_script_needs_no_main_guard(tmp_path, pytestconfig):
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(pytestconfig.rootpath / 'tests')!r})\n"
        "from alciato.executor import Task, run\n"
        "print(sum(done.result[0][0] for done in run(Task('work:multiplier', (2,)), [[1], [2], [3]], workers=2)))\n"
    )
    assert subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout == "12\n"


def test_an_isolated_call_gives_what_it_yields_or_returns():
    assert [one[:2] for one in isolated("work:squares", 3, limits=WIDE)] == [(0, 0), (1, 1), (2, 4)]
    assert list(isolated("work:fills", 10, limits=WIDE)) == [10]


def test_the_isolated_process_is_another_one_and_is_used_again():
    first, second = ({one[2] for one in isolated("work:squares", 2, limits=WIDE)} for _ in range(2))
    assert first == second
    assert os.getpid() not in first


def test_what_an_isolated_call_raises_arrives_and_leaves_the_process():
    (before,) = {one[2] for one in isolated("work:squares", 1, limits=WIDE)}
    found = []
    with pytest.raises(BadMedia, match="it is broken"):
        found.extend(isolated("work:refuses", limits=WIDE))
    assert found == [1]
    assert {one[2] for one in isolated("work:squares", 1, limits=WIDE)} == {before}


def test_processor_time_is_limited():
    started = time.monotonic()
    with pytest.raises(Exceeded, match="more than 1 s of processor time"):
        list(isolated("work:burns", limits=WorkLimits(seconds=1, memory_bytes=2**30)))
    assert time.monotonic() - started < 30


def test_wall_time_is_limited(monkeypatch):
    monkeypatch.setattr("alciato.executor.GRACE", -4.5)
    with pytest.raises(Exceeded, match="took more than"):
        list(isolated("work:sleeps", 60, limits=WorkLimits(seconds=1, memory_bytes=2**30)))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_memory_is_limited():
    limits = WorkLimits(seconds=20, memory_bytes=100 * 2**20)
    assert list(isolated("work:fills", 50 * 2**20, limits=limits)) == [50 * 2**20]
    with pytest.raises(Exceeded, match="more than 100 MiB of memory"):
        list(isolated("work:fills", 500 * 2**20, limits=limits))
    assert list(isolated("work:fills", 500 * 2**20, limits=WIDE)) == [500 * 2**20]


def test_a_process_that_dies_is_reported_and_the_next_call_works():
    with pytest.raises(Exceeded, match="died.*SIGABRT"):
        list(isolated("work:dies", limits=WIDE))
    assert list(isolated("work:fills", 1, limits=WIDE)) == [1]


def test_isolated_calls_of_several_threads_do_not_mix():
    found = {}

    def ask(count):
        found[count] = [one[1] for one in isolated("work:squares", count, limits=WIDE)]

    threads = [threading.Thread(target=ask, args=(count,)) for count in (3, 30, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {count: [number**2 for number in range(count)] for count in (3, 30, 300)}


ON_RAY = """
import sys
sys.path.insert(0, sys.argv[1])
import os
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [sys.argv[1], os.environ.get("PYTHONPATH")]))
from alciato.executor import Task, run
print(sorted(done.result[0] for done in run(Task("work:multiplier", (2,)), [[1, 2], [3], [4]], runner="ray")))
"""


@pytest.mark.slow
def test_ray_gives_the_same_results(pytestconfig):
    pytest.importorskip("ray")
    command = [sys.executable, "-c", ON_RAY, str(pytestconfig.rootpath / "tests")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines()[-1:] == ["[[2, 4], [6], [8]]"], done.stderr[-2000:]
