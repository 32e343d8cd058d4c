"""`judge`: judges the items of a collection by a policy, in batches, and keeps the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from alciato.item import Item, Reading, Segment, Verdict
from alciato.judge.decide import verdict_for
from alciato.judge.policy import Policy
from alciato.judge.strategy import Strategy, load_strategy
from alciato.models import Runtime, default_runtime
from alciato.progress import Progress, ProgressCallback, silent
from alciato.read.content import Content, contents_of
from alciato.store import Collection
from alciato.store.tables import sql_list

PAGE = 512
"""Items whose ids and standing verdicts are held at a time."""


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
        strategy: name of a registered strategy, or one that `load_strategy` made with options of its own.
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
    wanted = collection.ids() if ids is None else list(ids)
    progress = Progress("judge", 0, len(wanted))
    judged = 0
    for page in _batched(wanted, PAGE):
        done = {} if again else _standing(collection, policy, judging, page)
        for batch in _batched(page, runtime.settings.batch):
            fresh = [id_ for id_ in batch if id_ not in done]
            verdicts = _judge_batch(collection, policy, judging, fresh, runtime)
            collection.save_verdicts(list(verdicts.values()))
            skipped = progress.skipped + sum(not verdict.scores for verdict in verdicts.values())
            judged += len(verdicts)
            progress = Progress("judge", progress.done + len(batch), len(wanted), skipped)
            report(progress)
            for id_ in batch:
                verdict = verdicts.get(id_) or done.get(id_)
                if verdict:
                    yield verdict
    if judged:
        collection.maintain()  # each batch is a fragment of the table of verdicts


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
    collection: Collection, policy: Policy, judging: Strategy, ids: Sequence[str], runtime: Runtime
) -> dict[str, Verdict]:
    if not ids:
        return {}
    contents = contents_of(collection, ids, runtime.settings.limits)
    kinds = judging.needs.readings & _read_kinds(runtime)
    return {
        content.item.id: verdict_for(content, outcome, policy, judging, _unread(content, kinds))
        for content, outcome in zip(contents, judging.judge(contents), strict=True)
    }


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


def _batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
