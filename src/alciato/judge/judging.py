"""`judge`: judges the items of a collection by a policy, in batches, and keeps the verdicts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice

from alciato.executor import Done, Task, cores, run
from alciato.item import Item, Reading, Segment, Verdict
from alciato.judge.decide import verdict_for
from alciato.judge.policy import Policy
from alciato.judge.strategy import STRATEGIES, LoadedAs, Strategy, Unjudged, load_strategy
from alciato.models import Runtime, default_runtime
from alciato.models.runtime import SCHEMES, Loader, add_schemes
from alciato.models.workers import worker_count
from alciato.progress import Progress, ProgressCallback, silent
from alciato.read.content import Content, contents_of
from alciato.store import Collection
from alciato.store.tables import sql_list

PAGE = 512
"""Items whose ids and standing verdicts are held at a time."""
WORTH_WORKERS = 500
"""Items from which starting processes pays: each takes some 2 s, in which one judges about 100 posts."""


def judge(
    collection: Collection,
    policy: Policy,
    strategy: str | Strategy = "prototype",
    *,
    ids: Sequence[str] | None = None,
    runtime: Runtime | None = None,
    report: ProgressCallback = silent,
    again: bool = False,
) -> Iterator[Verdict]:
    """Yield a verdict for each item, in the order of adding, or in that of `ids`.

    Each batch is saved before its verdicts are given out, so a killed run goes on where it was. What was judged by
    the same policy, strategy and model, and was not read again since, is given as it was, unless `again`.
    An item that cannot be judged gets the decision `review`, no scores and the reason; it counts as `skipped` in the
    progress and is judged again by the next run.

    Args:
        collection: where the items are, and where the verdicts go.
        policy: the rules, and the name under which the verdicts are kept.
        strategy: name of a registered strategy, or one that `load_strategy` made with options of its own. One that
            was made otherwise stays in this process.
        ids: the items to judge; all if None.
        runtime: settings and loaded models; that of this process if None.
        report: is told how far the work is.
        again: judge what has been judged too.

    Raises:
        UsageError: no strategy or model of that name, or a policy that the strategy cannot use.
        ModelError: a model that cannot be loaded.
    """
    runtime = runtime or default_runtime()
    judging = _strategy(strategy, policy, runtime)
    wanted = collection.ids() if ids is None else list(dict.fromkeys(ids))
    progress = Progress("judge", 0, len(wanted))
    judged = 0
    pages = _Pages(collection, policy, judging, wanted, again=again)
    with closing(_judged(collection, policy, judging, pages, runtime)) as results:
        for done in results:
            collection.save_verdicts(done.result)
            judged += len(done.result)
            for batch in pages.complete(done):
                skipped = progress.skipped + sum(not verdict.scores for verdict in batch)
                progress = Progress("judge", progress.done + len(batch), len(wanted), skipped)
                report(progress)
                yield from batch
    if judged:
        collection.maintain()  # each batch is a fragment of the table of verdicts


class _Pages:
    """The items in batches, and their verdicts in the same order, whatever the order in which batches are judged."""

    def __init__(
        self, collection: Collection, policy: Policy, judging: Strategy, wanted: Sequence[str], *, again: bool
    ) -> None:
        self._collection, self._policy, self._judging = collection, policy, judging
        self._wanted, self._again = wanted, again
        self._waiting: deque[Sequence[str]] = deque()  # batches that were given out
        self._verdicts: dict[str, Verdict | None] = {}  # None for an item that was removed meanwhile

    def left(self) -> int:
        """Items without a standing verdict, about: a newer reading makes them more."""
        if self._again or len(self._wanted) < WORTH_WORKERS:
            return len(self._wanted)
        standing = _of_this_judge(self._policy, self._judging)
        return len(self._wanted) - int(self._collection.table("verdicts").count_rows(standing))

    def batches(self, size: int) -> Iterator[list[str]]:
        """Give out the items that are to be judged, in batches; an empty one where all verdicts of a batch stand."""
        for page in _batched(self._wanted, PAGE):
            standing = {} if self._again else _standing(self._collection, self._policy, self._judging, page)
            self._verdicts |= standing
            for batch in _batched(page, size):
                self._waiting.append(batch)
                yield [id_ for id_ in batch if id_ not in standing]

    def complete(self, done: Done) -> Iterator[list[Verdict]]:
        """Take the verdicts of a batch, and yield those of each batch that is complete with all before it."""
        self._verdicts |= {**dict.fromkeys(done.batch), **{verdict.item: verdict for verdict in done.result}}
        while self._waiting and all(id_ in self._verdicts for id_ in self._waiting[0]):
            found = [self._verdicts.pop(id_) for id_ in self._waiting.popleft()]
            yield [verdict for verdict in found if verdict is not None]


def _judged(
    collection: Collection,
    policy: Policy,
    judging: Strategy,
    pages: _Pages,
    runtime: Runtime,
) -> Generator[Done, None, None]:
    """Yield each batch with its verdicts: from worker processes where these pay, else from this one."""
    batches = pages.batches(runtime.settings.batch)
    workers = _workers(judging, pages.left(), runtime)
    if workers is None:
        for batch in batches:
            yield Done(batch, _judge_batch(collection, policy, judging, runtime, batch))
        return
    task = Task(
        "alciato.judge.judging:batch_judging",
        (collection.uri, policy, judging.loaded_as, dict(SCHEMES.registered_members)),
    )
    with closing(run(task, batches, workers=workers, runner=runtime.settings.runner)) as results:
        for done in results:
            yield done if done.error is None else _lost(done, collection, policy, judging, runtime)


def _lost(done: Done, collection: Collection, policy: Policy, judging: Strategy, runtime: Runtime) -> Done:
    """Items that ended their worker go to a person, with the reason."""
    contents = contents_of(collection, list(done.batch), runtime.settings.limits)
    lost = Unjudged(done.error or "")
    return done._replace(result=[verdict_for(content, lost, policy, judging) for content in contents])


def _workers(judging: Strategy, left: int, runtime: Runtime) -> int | None:
    """Worker processes for so many items; None where this process judges them."""
    models, settings = judging.worker_models(runtime), runtime.settings
    named = judging.loaded_as
    if models is None or named is None or named.name in STRATEGIES.registered_members:
        return None
    if settings.runner != "native":
        return settings.workers or cores()
    if settings.workers is None and left < WORTH_WORKERS:
        return None
    workers = worker_count(settings, models, -(-left // settings.batch))
    return workers if workers > 1 else None


def batch_judging(
    uri: str, policy: Policy, strategy: LoadedAs, schemes: Mapping[str, Loader | str]
) -> Callable[[Sequence[str]], list[Verdict]]:
    """Open the collection and load the strategy in a worker; gives the function that judges a batch of ids.

    `schemes` are those of model names that the driver has registered.
    """
    add_schemes(schemes)
    runtime = Runtime(strategy.settings.model_copy(update={"threads": 1}))
    judging = load_strategy(strategy.name, policy, runtime, strategy.options)
    return partial(_judge_batch, Collection.open(uri, create=False), policy, judging, runtime)


def judge_items(
    items: Iterable[tuple[Item, Sequence[Segment], Sequence[Reading]] | Content],
    policy: Policy,
    strategy: str | Strategy = "prototype",
    *,
    runtime: Runtime | None = None,
) -> Iterator[Verdict]:
    """Judge items that lie in no collection: contents, or items with their segments and readings.

    Nothing is saved. `alciato.read.read_content` makes the content of a post.
    """
    runtime = runtime or default_runtime()
    judging = _strategy(strategy, policy, runtime)
    contents = (
        given if isinstance(given, Content) else Content(given[0], tuple(given[1]), tuple(given[2])) for given in items
    )
    while batch := list(islice(contents, runtime.settings.batch)):
        for content, outcome in zip(batch, judging.judge(batch), strict=True):
            yield verdict_for(content, outcome, policy, judging)


def _judge_batch(
    collection: Collection, policy: Policy, judging: Strategy, runtime: Runtime, ids: Sequence[str]
) -> list[Verdict]:
    if not ids:
        return []
    contents = contents_of(collection, ids, runtime.settings.limits)
    kinds = judging.needs.readings & _read_kinds(runtime)
    return [
        verdict_for(content, outcome, policy, judging, _unread(content, kinds))
        for content, outcome in zip(contents, judging.judge(contents), strict=True)
    ]


def _read_kinds(runtime: Runtime) -> frozenset[str]:
    """Kinds of reading that the settings name a model for, so that every item shall have them."""
    models = runtime.settings.models
    named = {"ocr": models.ocr, "speech": models.transcriber}
    return frozenset(kind for kind, model in named.items() if model is not None)


def _unread(content: Content, kinds: frozenset[str]) -> list[str]:
    """Give a sentence for each part that has not been read yet."""
    return [
        f"Part {part} was not judged, since it has not been read yet ({kind}): run `alciato read`."
        for part, kind in content.unread(kinds)
    ]


def _strategy(strategy: str | Strategy, policy: Policy, runtime: Runtime) -> Strategy:
    return strategy if isinstance(strategy, Strategy) else load_strategy(strategy, policy, runtime)


def _standing(collection: Collection, policy: Policy, judging: Strategy, ids: Sequence[str]) -> dict[str, Verdict]:
    """Verdicts on these items that still hold: same policy, strategy and model, no reading newer than the verdict."""
    query = collection.table("readings").search().where(f"item in {sql_list(list(ids))}")
    table = query.select(["item", "read_at"]).limit(None).to_arrow()
    newest = table.group_by("item").aggregate([("read_at", "max")])
    read = dict(zip(newest["item"].to_pylist(), newest["read_at_max"].to_pylist(), strict=True))
    return {
        verdict.item: verdict
        for verdict in collection.verdicts(policy.label, list(ids))
        if verdict.strategy == judging.name
        and verdict.model == judging.model
        and verdict.scores
        and not ((at := read.get(verdict.item)) and at > verdict.judged_at)
    }


def _of_this_judge(policy: Policy, judging: Strategy) -> str:
    """Condition for the rows of the verdicts of a policy, a strategy and its model."""
    values = {"policy": policy.label, "strategy": judging.name, "model": judging.model}
    return " and ".join(f"{column} in {sql_list([value])}" for column, value in values.items())


def _batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
