"""`read`: everything that has not been read yet, as a Daft plan over batches of items, saved as it comes.

The plan is the same on this machine and on Ray (`settings.runner`): a column of item ids and of the work to
do, through one batch function that fetches the media by hash, reads them, and gives back rows. Media never
travel through the plan. What is not saved yet when the run is stopped is planned again by the next run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import pyarrow as pa

from alciato.errors import AlciatoError, BadMedia
from alciato.item import Finding, Image, Post, Reading, Segment
from alciato.memory import release_memory
from alciato.models import Runtime, default_runtime
from alciato.progress import Progress, ProgressCallback, silent
from alciato.read.batch import BatchReader, Job
from alciato.read.found import ROW, Found, together
from alciato.read.plan import left_to_read
from alciato.settings import Settings
from alciato.store import Collection

SAVE_ITEMS, SAVE_SECONDS = 128, 5.0
"""Results are saved when so many items wait or so much time has passed: that much a kill may lose."""


@dataclass
class ReadSummary:
    """Items read, readings made, those that failed (with their reason), and seconds taken."""

    items: int = 0
    readings: int = 0
    failed: list[Reading] = field(default_factory=list)
    seconds: float = 0.0


def read(
    collection: Collection,
    runtime: Runtime | None = None,
    *,
    kinds: Iterable[str] | None = None,
    again: bool = False,
    retry: bool = False,
    report: ProgressCallback = silent,
) -> ReadSummary:
    """Read what has not been read yet by the models that the settings name.

    Args:
        collection: where the items are, and where the readings go.
        runtime: settings and loaded models; that of this process if None.
        kinds: kinds of reading, such as `ocr`; all if None.
        again: read everything again, even what has been read by the same models.
        retry: read again what failed.
        report: is told how far the work is.

    Raises:
        UsageError: an unknown kind or model.
        ModelError, MissingPackage: a model that cannot be loaded.
    """
    runtime = runtime or default_runtime()
    started = time.monotonic()
    kinds = None if kinds is None else sorted(set(kinds))
    plan = _plan(collection, runtime, kinds, again=again, retry=retry)
    summary = ReadSummary()
    report(Progress("read", 0, plan.num_rows))
    if plan.num_rows:
        saving = _Saving(collection, summary, lambda: report(_progress(summary, plan.num_rows)))
        try:
            for batch in _run(plan, collection, runtime, kinds):
                saving.take(batch)
        finally:  # on ctrl-C too: what has been read is kept
            saving.save()
    summary.seconds = time.monotonic() - started
    return summary


def unread(collection: Collection, runtime: Runtime | None = None, kinds: Iterable[str] | None = None) -> list[str]:
    """Give the ids of the items of which something is unread by the models that the settings name, oldest first."""
    runtime = runtime or default_runtime()
    kinds = None if kinds is None else sorted(set(kinds))
    ids: list[str] = _plan(collection, runtime, kinds, again=False, retry=False)["item"].to_pylist()
    return ids


def read_post(post: Post, runtime: Runtime | None = None) -> list[Reading]:
    """Read one post outside any collection, with all readers; nothing is encoded or saved."""
    runtime = runtime or default_runtime()
    reader = BatchReader(runtime, {part.type for part in post.item.parts})
    work = {
        (number, one.kind)
        for one in reader.readers
        for number, part in enumerate(post.item.parts)
        if part.type in one.parts
    }
    return reader.findings(Job(post.item, _fetching(dict(post.media)), work, {})).readings


def _plan(collection: Collection, runtime: Runtime, kinds: list[str] | None, *, again: bool, retry: bool) -> pa.Table:
    parts = collection.item_parts()
    types = _types(parts)
    if not types:
        return pa.table({"item": pa.array([], pa.string()), "work": pa.array([], pa.list_(pa.string()))})
    provenance = collection.provenance()
    provenance = provenance.slice(0, 0) if again else provenance
    return left_to_read(parts, provenance, BatchReader(runtime, types, kinds).stamps(), retry=retry)


def _types(parts: pa.Table) -> frozenset[str]:
    import pyarrow.compute as pc

    return frozenset(pc.unique(pc.list_flatten(parts["parts"])).to_pylist())


def _run(plan: pa.Table, collection: Collection, runtime: Runtime, kinds: list[str] | None) -> Iterator[pa.RecordBatch]:
    """Stream the results of the plan, a record batch of (item, found) at a time."""
    daft = _daft(runtime.settings.runner)
    types = tuple(sorted(_types(collection.item_parts())))
    place = (collection.uri, runtime.settings.model_dump_json(), types, None if kinds is None else tuple(kinds))

    def rows(items: Any, work: Any) -> pa.Array:
        return pa.array([one.row() for one in _worker(*place).read(items.to_pylist(), work.to_pylist())], ROW)

    row = daft.DataType.from_arrow_type(ROW)
    found = daft.func.batch(return_dtype=row, batch_size=runtime.settings.batch, use_process=False)(rows)
    frame = daft.from_arrow(plan)
    frame = frame.select(frame["item"], found(frame["item"], frame["work"]).alias("found"))
    yield from frame.to_arrow_iter(results_buffer_size=1)


@cache
def _daft(runner: str) -> Any:
    """Load Daft, quiet, and set its runner: it takes one a process, before its first plan."""
    # Daft and Ray report their use to their makers unless told not to; nothing local calls anyone here.
    os.environ |= {"DAFT_ANALYTICS_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0"}
    import daft

    try:
        daft.set_runner_ray() if runner == "ray" else daft.set_runner_native()
    except Exception as error:
        raise AlciatoError(
            f"the runner {runner!r} cannot be set: {error}.", remedy="One process runs either native or ray."
        ) from error
    return daft


class _Worker:
    """What reads batches in one process: the collection opened, the models loaded, both once."""

    def __init__(self, uri: str, options: str, types: Iterable[str], kinds: Iterable[str] | None) -> None:
        # Models use all cores by themselves; two batches at once would only make them wait for each other.
        self._turn = Lock()
        self._collection = Collection.open(uri, create=False)
        self._reader = BatchReader(Runtime(Settings.model_validate_json(options)), types, kinds)

    def read(self, ids: Sequence[str], work: Sequence[Sequence[str]]) -> list[Found]:
        """Read a batch of items; `work` is a list of `PART/KIND` for each."""
        known: dict[str, dict[tuple[int, str], Sequence[Finding]]] = {id_: {} for id_ in ids}
        for reading in self._collection.readings(ids):
            known[reading.item][reading.part, reading.kind] = reading.findings
        items = list(self._collection.items(ids))
        pictures = [part.media for item in items for _, part in item.media() if isinstance(part, Image)]
        fetch = _fetching(self._collection.media_many(pictures), self._collection.media)
        todo = {id_: {_place(one) for one in some} for id_, some in zip(ids, work, strict=True)}
        stored: dict[str, list[Segment]] = {id_: [] for id_ in ids}
        for segment in self._collection.segments(ids):
            stored[segment.item].append(segment)
        jobs = [Job(item, fetch, todo[item.id], known[item.id], stored[item.id]) for item in items]
        with self._turn:
            return self._reader.read(jobs)


def _place(work: str) -> tuple[int, str]:
    part, _, kind = work.partition("/")
    return int(part), kind


def _fetching(here: dict[str, bytes], further: Callable[[str], bytes] | None = None) -> Callable[[str], bytes]:
    """Fetch from what is here, then from further away."""

    def fetch(sha: str) -> bytes:
        if sha in here:
            return here[sha]
        if further is None:
            raise BadMedia("missing", f"the medium {sha} did not come with the post.")
        return further(sha)

    return fetch


_lock = Lock()


def _worker(*place: Any) -> _Worker:
    with _lock:  # batches come on several threads; the models are loaded once
        return _cached_worker(*place)


@lru_cache(maxsize=4)
def _cached_worker(uri: str, options: str, types: tuple[str, ...], kinds: tuple[str, ...] | None) -> _Worker:
    return _Worker(uri, options, types, kinds)


def forget_workers() -> None:
    """Let go of the workers of this process, so that the memory of their models can be freed."""
    with _lock:
        _cached_worker.cache_clear()


def _progress(summary: ReadSummary, total: int) -> Progress:
    return Progress("read", summary.items, total, skipped=len({(one.item, one.part) for one in summary.failed}))


class _Saving:
    """Takes results as they come and saves them together, so that a save's fixed cost is shared."""

    def __init__(self, collection: Collection, summary: ReadSummary, told: Callable[[], None]) -> None:
        self._collection, self._summary, self._told = collection, summary, told
        self._waiting: list[Found] = []
        self._saved = time.monotonic()

    def take(self, batch: pa.RecordBatch) -> None:
        """Keep a batch for the next save; save if it is time."""
        found = [Found.of(row) for row in batch.column("found").to_pylist()]
        self._waiting += found
        self._summary.items += len(found)
        readings = [reading for one in found for reading in one.readings]
        self._summary.readings += len(readings)
        self._summary.failed += [reading for reading in readings if reading.error]
        self._told()
        if len(self._waiting) >= SAVE_ITEMS or time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save what waits."""
        if self._waiting:
            whole = together(self._waiting)
            embeddings = list(whole.embeddings.items())
            self._collection.save_readings(whole.readings, whole.segments, embeddings, replaced=whole.replaced)
        self._waiting, self._saved = [], time.monotonic()
        release_memory()
