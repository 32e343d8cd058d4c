"""`read`: everything that has not been read yet, in batches by the executor, saved as it comes.

A plan says what to read: item ids, and the work (part and kind of reading) of each. Batches of it go to worker
processes, which fetch the media by hash, read them, and give back what they found; this process alone writes. Small
plans are read in this process, with the models that its runtime holds. What is not saved yet when the run is stopped
is planned again by the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from alciato.executor import Done, Task, cores, run
from alciato.item import Finding, Image, Item, Post, Reading, Segment
from alciato.memory import release_memory
from alciato.models import Runtime, default_runtime
from alciato.models.runtime import SCHEMES, Loader, add_schemes
from alciato.models.workers import worker_count
from alciato.progress import Progress, ProgressCallback, silent
from alciato.read.batch import BatchReader, BatchResult, Job, failed_reading, together
from alciato.read.content import Content, fetching
from alciato.read.plan import left_to_read
from alciato.settings import Settings
from alciato.store import Collection

SAVE_ITEMS, SAVE_SECONDS = 128, 5.0
"""Results are saved when so many items wait or so much time has passed: that much a kill may lose."""
WORTH_WORKERS = 64
"""Readings of media, or sixteen times as many of text, from which starting processes pays: each takes some 2 s."""

Batch = Sequence[tuple[str, Sequence[str]]]
"""Item ids, each with its work: a list of `PART/KIND`."""


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
    ids: Iterable[str] | None = None,
    kinds: Iterable[str] | None = None,
    again: bool = False,
    retry: bool = False,
    report: ProgressCallback = silent,
) -> ReadSummary:
    """Read what has not been read yet by the models that the settings name.

    Args:
        collection: where the items are, and where the readings go.
        runtime: settings and loaded models; that of this process if None.
        ids: items to read; all if None.
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
    parts = collection.item_parts()
    types = _types(parts)
    reader = BatchReader(runtime, types, kinds)
    plan = _plan(collection, parts, reader, again=again, retry=retry)
    if ids is not None:
        plan = plan.filter(pa.compute.is_in(plan["item"], pa.array(ids, pa.string())))
    summary = ReadSummary()
    report(Progress("read", 0, plan.num_rows))
    if plan.num_rows:
        saving = _Saving(collection, summary, lambda: report(_progress(summary, plan.num_rows)))
        try:
            with closing(_results(plan, collection, reader, types, kinds)) as results:
                for found in results:
                    saving.take(found)
        finally:  # on ctrl-C too: what has been read is kept
            saving.save()
    summary.seconds = time.monotonic() - started
    return summary


def unread(collection: Collection, runtime: Runtime | None = None, kinds: Iterable[str] | None = None) -> list[str]:
    """Give the ids of the items of which something is unread by the models that the settings name, oldest first."""
    runtime = runtime or default_runtime()
    kinds = None if kinds is None else sorted(set(kinds))
    parts = collection.item_parts()
    reader = BatchReader(runtime, _types(parts), kinds)
    ids: list[str] = _plan(collection, parts, reader, again=False, retry=False)["item"].to_pylist()
    return ids


def read_post(post: Post, runtime: Runtime | None = None, kinds: Iterable[str] | None = None) -> list[Reading]:
    """Read one post outside any collection, with the readers of some kinds, or all; nothing is encoded or saved."""
    return list(read_content(post.item, fetching(dict(post.media)), runtime, kinds).readings)


def read_content(
    item: Item,
    fetch: Callable[[str], bytes],
    runtime: Runtime | None = None,
    kinds: Iterable[str] | None = None,
) -> Content:
    """Read an item outside any collection, and give all that is then known of it; nothing is encoded or saved.

    The texts are the same as those of an item of a collection that was read by the same models. `fetch` goes from the
    hash of a medium to its bytes and may raise `BadMedia`.
    """
    runtime = runtime or default_runtime()
    reader = BatchReader(runtime, {part.type for part in item.parts}, None if kinds is None else sorted(set(kinds)))
    return reader.load({one.kind for one in reader.readers}).content(item, fetch)


def _plan(collection: Collection, parts: pa.Table, reader: BatchReader, *, again: bool, retry: bool) -> pa.Table:
    if not _types(parts):
        return pa.table({"item": pa.array([], pa.string()), "work": pa.array([], pa.list_(pa.string()))})
    provenance = collection.provenance()
    provenance = provenance.slice(0, 0) if again else provenance
    return left_to_read(parts, provenance, reader.wanted(), retry=retry)


def _types(parts: pa.Table) -> frozenset[str]:
    return frozenset(pc.unique(pc.list_flatten(parts["parts"])).to_pylist())


def _results(
    plan: pa.Table,
    collection: Collection,
    reader: BatchReader,
    types: frozenset[str],
    kinds: Sequence[str] | None,
) -> Generator[list[BatchResult], None, None]:
    """Yield what was found in each batch of the plan."""
    settings = reader.runtime.settings
    needed = sorted({work.partition("/")[2] for work in pc.unique(pc.list_flatten(plan["work"])).to_pylist()})
    workers = _workers(plan, reader, needed)
    if workers == 1 and settings.runner == "native":
        read_batch = _BatchReading(collection, reader.load(needed))
        for batch in _batches(plan, settings.batch):
            yield read_batch(batch)
        return
    single = settings.model_copy(update={"threads": 1})
    added = dict(SCHEMES.registered_members)
    task = Task("alciato.read.pipeline:batch_reading", (collection.uri, single, types, kinds, needed, added))
    results = run(task, _batches(plan, settings.batch), workers=workers, runner=settings.runner)
    with closing(results):
        for done in results:
            yield done.result if done.error is None else [_lost(done, reader)]


def batch_reading(
    uri: str,
    settings: Settings,
    types: Iterable[str],
    kinds: Iterable[str] | None,
    needed: Iterable[str],
    schemes: Mapping[str, Loader | str],
) -> Callable[[Batch], list[BatchResult]]:
    """Open the collection and load the models in a worker; gives the function that reads a batch.

    `schemes` are those of model names that the driver has registered.
    """
    add_schemes(schemes)
    collection = Collection.open(uri, create=False)
    return _BatchReading(collection, BatchReader(Runtime(settings), types, kinds).load(needed))


def _batches(plan: pa.Table, size: int) -> Iterator[Batch]:
    for start in range(0, plan.num_rows, size):
        some = plan.slice(start, size)
        yield list(zip(some["item"].to_pylist(), some["work"].to_pylist(), strict=True))


def _workers(plan: pa.Table, reader: BatchReader, needed: Sequence[str]) -> int:
    """Worker processes: as many as cores, as far as there is work for them and memory for their models."""
    settings = reader.runtime.settings
    if settings.runner != "native":
        return settings.workers or cores()
    kinds = pc.list_flatten(plan["work"])
    of_text = pc.sum(pc.match_substring_regex(kinds, "/(language|table|segment|encode)$")).as_py() or 0
    cost = len(kinds) - of_text + of_text / 16
    if settings.workers is None and cost < WORTH_WORKERS:
        return 1
    batches = -(-plan.num_rows // settings.batch)
    return worker_count(settings, (model.info for model in reader.models(needed)), batches)


def _lost(done: Done, reader: BatchReader) -> BatchResult:
    """Readings that say why there are none: they are made again with `retry` only."""
    provenance = {one.kind: one for one in reader.wanted()}
    readings = []
    for item, work in done.batch:
        for part, kind in map(_place, work):
            readings.append(failed_reading(item, part, provenance[kind], f"worker-died: {done.error}"))
    return BatchResult(readings=readings)


class _BatchReading:
    """Reads batches of a collection's items: fetches what is known of them, and their media."""

    def __init__(self, collection: Collection, reader: BatchReader) -> None:
        self._collection, self._reader = collection, reader

    def __call__(self, batch: Batch) -> list[BatchResult]:
        """Read a batch of items."""
        ids = [item for item, _ in batch]
        known: dict[str, dict[tuple[int, str], Sequence[Finding]]] = {id_: {} for id_ in ids}
        for reading in self._collection.readings(ids):
            known[reading.item][reading.part, reading.kind] = reading.findings
        items = list(self._collection.items(ids))
        pictures = [part.media for item in items for _, part in item.media() if isinstance(part, Image)]
        fetch = fetching(self._collection.media_many(pictures), self._collection.media)
        todo = {id_: {_place(one) for one in some} for id_, some in batch}
        stored: dict[str, list[Segment]] = {id_: [] for id_ in ids}
        for segment in self._collection.segments(ids):
            stored[segment.item].append(segment)
        jobs = [Job(item, fetch, todo[item.id], known[item.id], stored[item.id]) for item in items]
        found = self._reader.read(jobs)
        release_memory()
        return found


def _place(work: str) -> tuple[int, str]:
    part, _, kind = work.partition("/")
    return int(part), kind


def _progress(summary: ReadSummary, total: int) -> Progress:
    return Progress("read", summary.items, total, skipped=len({(one.item, one.part) for one in summary.failed}))


class _Saving:
    """Takes results as they come and saves them together, so that a save's fixed cost is shared."""

    def __init__(self, collection: Collection, summary: ReadSummary, told: Callable[[], None]) -> None:
        self._collection, self._summary, self._told = collection, summary, told
        self._waiting: list[BatchResult] = []
        self._saved = time.monotonic()

    def take(self, found: list[BatchResult]) -> None:
        """Keep what was found for the next save; save if it is time."""
        self._waiting += found
        self._summary.items += len({one.item for each in found for one in each.readings})
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
