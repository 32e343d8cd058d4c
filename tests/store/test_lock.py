"""The writer's lock excludes processes and threads alike, and whoever loses it is told."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alciato.errors import AlciatoError
from alciato.store import Collection, lock
from alciato.store.lock import FolderLock, ObjectLock, writer_lock
from store.conftest import text_post


@pytest.fixture(params=["folder", "objects"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a lock can be: a folder, and a bucket."""
    return request.getfixturevalue("bucket") if request.param == "objects" else str(tmp_path)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases and waits of a second, so that a test sees their ends."""
    monkeypatch.setattr(lock, "WAIT", 0.3)
    monkeypatch.setattr(lock, "LEASE", 1.0)


def claim_in(bucket: str) -> tuple[object, Callable[[str, float], None]]:
    """The bucket's store, and a function that writes a claim into its lock object."""
    import obstore

    store = obstore.store.from_url(bucket)

    def write(owner: str, seconds: float) -> None:
        obstore.put(store, "writer.lock", json.dumps({"owner": owner, "until": time.time() + seconds}).encode())

    return store, write


def owner_in(bucket: str) -> str:
    import obstore

    return json.loads(bytes(obstore.get(obstore.store.from_url(bucket), "writer.lock").bytes()))["owner"]


def in_threads(work: Callable[[], None], count: int) -> list[Exception]:
    """Run the work on several threads at once; give what they raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told to the test
            raised.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_threads_of_one_process_take_turns(place: str):
    shared = writer_lock(place)
    inside, most = [], []

    def work() -> None:
        for _ in range(3):
            with shared:
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.005)
                inside.pop()

    assert in_threads(work, 4) == []
    assert len(most) == 12
    assert max(most) == 1


def test_two_locks_of_one_place_exclude_each_other_and_a_failed_try_enters_nothing(place: str, short: None):
    first, second = writer_lock(place), writer_lock(place)
    entered = []
    with first:
        for _ in range(2):
            with pytest.raises(AlciatoError, match="another process has been writing"), second:
                entered.append(1)
        with pytest.raises(AlciatoError, match="without the writer's lock"):
            second.check()
    assert not entered
    with second:
        second.check()


def test_a_failed_try_in_another_thread_enters_nothing(place: str, short: None):
    shared = writer_lock(place)

    def work() -> None:
        with shared:
            raise AssertionError("two threads hold one lock")

    with shared:
        for _ in range(2):
            (error,) = in_threads(work, 1)
            assert isinstance(error, AlciatoError)


def test_the_thread_that_holds_the_lock_enters_again(place: str, short: None):
    one, other = writer_lock(place), writer_lock(place)
    with one:
        with one:
            one.check()
        one.check()
        with pytest.raises(AlciatoError), other:
            pass
    with other:
        pass


def test_an_error_inside_releases_the_lock(place: str, short: None):
    with pytest.raises(ZeroDivisionError), writer_lock(place):
        1 / 0  # noqa: B018
    with writer_lock(place):
        pass


def test_a_lock_left_behind_by_a_killed_writer_is_taken_over_and_removed(bucket: str):
    store, claim = claim_in(bucket)
    claim("dead", -1)
    with ObjectLock(bucket):
        assert owner_in(bucket) != "dead"
    import obstore

    assert not obstore.list(store).collect()


def test_a_claim_that_is_not_over_is_waited_for(bucket: str, short: None):
    _, claim = claim_in(bucket)
    claim("living", 60)
    with pytest.raises(AlciatoError, match="another process"), ObjectLock(bucket):
        pass
    assert owner_in(bucket) == "living"


@pytest.mark.slow
def test_the_lock_is_renewed_while_it_is_held(bucket: str, short: None):
    holder = ObjectLock(bucket)
    with holder:
        time.sleep(1.6)  # longer than the lease
        holder.check()
        with pytest.raises(AlciatoError, match="another process"), ObjectLock(bucket):
            pass


def test_renewal_outlives_network_errors(bucket: str, short: None, monkeypatch: pytest.MonkeyPatch):
    holder = ObjectLock(bucket)
    plain, failures = holder._put, iter([OSError("connection reset"), OSError("connection reset")])

    def unsteady(mode: object) -> None:
        if error := next(failures, None):
            raise error
        plain(mode)

    with holder:
        monkeypatch.setattr(holder, "_put", unsteady)
        time.sleep(1.6)
        assert next(failures, None) is None
        holder.check()


def test_a_writer_whose_lease_ran_out_is_told_at_its_next_write_and_at_the_end(
    bucket: str, short: None, monkeypatch: pytest.MonkeyPatch
):
    holder = ObjectLock(bucket)

    def offline(mode: object) -> None:
        raise OSError("no route to host")

    holder.__enter__()
    monkeypatch.setattr(holder, "_put", offline)
    time.sleep(1.3)
    with pytest.raises(AlciatoError, match="could not be renewed in time"):
        holder.check()
    with pytest.raises(AlciatoError, match="was lost"):
        holder.__exit__(None, None, None)


def test_a_writer_that_lost_its_lock_leaves_the_new_owner_alone(bucket: str):
    _, claim = claim_in(bucket)
    with pytest.raises(AlciatoError, match="was lost"), ObjectLock(bucket):
        claim("other", 60)
    assert owner_in(bucket) == "other"


def test_the_error_of_the_work_is_not_hidden_by_the_lost_lock(bucket: str):
    _, claim = claim_in(bucket)
    holder = ObjectLock(bucket).__enter__()
    claim("other", 60)
    error = ZeroDivisionError()
    holder.__exit__(type(error), error, None)  # raises nothing itself, so that the error goes on
    assert owner_in(bucket) == "other"


def test_a_collection_stops_writing_when_its_lock_is_lost(bucket: str, monkeypatch: pytest.MonkeyPatch):
    collection = Collection.open(bucket)
    collection.add([text_post(1)])
    plain = collection._append

    def slow(name: str, rows: list[dict]) -> None:
        if name == "items":
            collection._lock._lost.set()  # as the renewal does when another writer has taken over
        plain(name, rows)

    monkeypatch.setattr(collection, "_append", slow)
    with pytest.raises(AlciatoError, match="was lost"):
        collection.add([text_post(2)])
    assert [item.id for item in collection.items()] == ["p1"]
    monkeypatch.undo()
    assert collection.add([text_post(2)]).added == 1


def test_a_bucket_that_is_not_there_is_told(bucket: str):
    missing = bucket.replace("posts-", "none-")
    with pytest.raises(AlciatoError, match="cannot be written"), ObjectLock(missing):
        pass


def test_a_lock_file_that_cannot_be_written_names_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    holder = FolderLock(tmp_path)

    def refused(timeout: float) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(holder._lock, "acquire", refused)
    with pytest.raises(AlciatoError, match=r"\.writer\.lock.*Permission denied.*folder writable"), holder:
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"owner": "x", "until": "soon"}', b"\xff"])
def test_a_damaged_lock_names_itself_and_is_not_taken(bucket: str, short: None, content: bytes):
    import obstore

    store = obstore.store.from_url(bucket)
    obstore.put(store, "writer.lock", content)
    with pytest.raises(AlciatoError, match=rf"{bucket}.*writer\.lock.*damaged.*delete"), ObjectLock(bucket):
        pass
    assert bytes(obstore.get(store, "writer.lock").bytes()) == content
