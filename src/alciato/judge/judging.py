"""The verb: hold every item of a collection against a policy, in batches, and keep the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from alciato.item import Item, Reading, Segment, Verdict
from alciato.judge.content import Content, content_of
from alciato.judge.decide import verdict_for
from alciato.judge.looking import pictures_of
from alciato.judge.policy import Policy
from alciato.judge.strategy import Strategy, load_strategy
from alciato.models import Picture, Runtime, default_runtime
from alciato.progress import Progress, ProgressCallback, silent
from alciato.settings import Limits
from alciato.store import Collection

Named = TypeVar("Named", Segment, Reading)


def judge(
    collection: Collection,
    policy: Policy,
    strategy: str = "prototype",
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
    progress and is tried again by the next run. It is never allowed in silence.

    Raises:
        UsageError: no strategy or model of that name, or a policy that the strategy cannot use.
        ModelError: a model that cannot be loaded.
    """
    runtime = runtime or default_runtime()
    judging = load_strategy(strategy, policy, runtime)
    wanted = list(ids) if ids is not None else collection.ids()
    done = {} if again else _standing(collection, policy, judging)
    progress = Progress("judge", 0, len(wanted))
    for batch in _batched(wanted, runtime.settings.batch):
        fresh = [id_ for id_ in batch if id_ not in done]
        verdicts = _judge_batch(collection, policy, judging, fresh, runtime.settings.limits)
        collection.save_verdicts(list(verdicts.values()))
        skipped = progress.skipped + sum(not verdict.scores for verdict in verdicts.values())
        progress = Progress("judge", progress.done + len(batch), len(wanted), skipped)
        report(progress)
        for id_ in batch:
            verdict = verdicts.get(id_) or done.get(id_)
            if verdict:
                yield verdict
    if len(done) < len(wanted):
        collection.maintain()  # each batch is a fragment of the table of verdicts


def judge_items(
    items: Iterable[tuple[Item, Sequence[Segment], Sequence[Reading]]],
    policy: Policy,
    strategy: str = "prototype",
    *,
    runtime: Runtime | None = None,
) -> Iterator[Verdict]:
    """Judge items that lie in no collection, each given with its segments and readings. Nothing is saved."""
    runtime = runtime or default_runtime()
    judging = load_strategy(strategy, policy, runtime)
    contents = (content_of(*given) for given in items)
    while batch := list(islice(contents, runtime.settings.batch)):
        for content, outcome in zip(batch, judging.judge(batch), strict=True):
            yield verdict_for(content, outcome, policy, judging)


def _judge_batch(
    collection: Collection, policy: Policy, judging: Strategy, ids: list[str], limits: Limits
) -> dict[str, Verdict]:
    if not ids:
        return {}
    contents = contents_of(collection, ids, limits)
    outcomes = judging.judge(contents)
    return {
        content.item.id: verdict_for(content, outcome, policy, judging)
        for content, outcome in zip(contents, outcomes, strict=True)
    }


def contents_of(collection: Collection, ids: Sequence[str], limits: Limits) -> list[Content]:
    """Give what a judge sees of some items of a collection, in the order of the ids."""
    segments = _by_item(collection.segments(ids))
    readings = _by_item(collection.readings(ids))
    return [
        content_of(item, segments.get(item.id, []), readings.get(item.id, []), partial(_look, collection, item, limits))
        for item in collection.items(ids)
    ]


def _look(collection: Collection, item: Item, limits: Limits) -> list[Picture]:
    return pictures_of(item, collection.media_many([part.media for _, part in item.media()]), limits)


def _by_item(found: Iterable[Named]) -> dict[str, list[Named]]:
    grouped: dict[str, list[Named]] = {}
    for one in found:
        grouped.setdefault(one.item, []).append(one)
    return grouped


def _standing(collection: Collection, policy: Policy, judging: Strategy) -> dict[str, Verdict]:
    """The verdicts that still hold: same policy, strategy and model, no reading newer than the verdict."""
    table = collection.table("readings").search().select(["item", "read_at"]).limit(None).to_arrow()
    newest = table.group_by("item").aggregate([("read_at", "max")])
    read = dict(zip(newest["item"].to_pylist(), newest["read_at_max"].to_pylist(), strict=True))
    return {
        verdict.item: verdict
        for verdict in collection.verdicts(policy.label)
        if verdict.strategy == judging.name
        and verdict.model == judging.model
        and verdict.scores
        and not ((at := read.get(verdict.item)) and at > verdict.judged_at)
    }


def _batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
