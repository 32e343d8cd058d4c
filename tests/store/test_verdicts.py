"""The history of verdicts: appended, never overwritten; the newest of each judge counts; no row breaks a later read."""

import logging
from datetime import UTC, datetime

import pytest

from alciato.errors import AlciatoError
from alciato.item import Span, Verdict
from alciato.store import Collection
from store.conftest import text_post


def verdict(
    decision: str = "allow", *, item: str = "p1", policy: str = "p@1a", day: int = 1, **more: object
) -> Verdict:
    fields = {"scores": {"threat": 0.5}, "model": "m", "strategy": "prototype", **more}
    place = Span(part=0, kind="body", text="x")
    when = datetime(2024, 1, day, tzinfo=UTC)
    return Verdict(item=item, decision=decision, policy=policy, evidence=(place,), judged_at=when, **fields)


def test_the_newest_of_each_judge_counts_and_all_are_kept(collection: Collection):
    collection.save_verdicts([verdict("allow"), verdict("allow", policy="p@2b"), verdict("review", strategy="prompt")])
    collection.save_verdicts([verdict("remove", day=2)])
    assert {(v.decision, v.policy, v.strategy) for v in collection.verdicts()} == {
        ("remove", "p@1a", "prototype"),
        ("allow", "p@2b", "prototype"),
        ("review", "p@1a", "prompt"),
    }
    told = [v.decision for v in collection.verdicts("p@1a", history=True) if v.strategy == "prototype"]
    assert told == ["allow", "remove"]


def test_an_older_verdict_that_comes_late_does_not_count(collection: Collection):
    collection.save_verdicts([verdict("remove", day=9)])
    collection.save_verdicts([verdict("allow", day=2)])
    assert [v.decision for v in collection.verdicts()] == ["remove"]


def test_of_two_verdicts_of_one_moment_the_later_one_counts(collection: Collection):
    collection.save_verdicts([verdict("remove")])
    collection.save_verdicts([verdict("allow")])
    collection.maintain(force=True)
    assert [v.decision for v in collection.verdicts()] == ["allow"]


def test_a_row_tells_who_decided_when_and_by_which_policy(collection: Collection):
    collection.save_verdicts([verdict(day=3)])
    collection.save_verdicts([verdict("remove", day=4)], actor="anna")
    rows = collection.table("verdicts").search().limit(None).to_list()
    assert [(row["actor"], row["policy_hash"], row["judged_at"].day, row["decision"]) for row in rows] == [
        ("alciato", "1a", 3, "allow"),
        ("anna", "1a", 4, "remove"),
    ]


def test_verdicts_are_chosen_by_policy_and_item(collection: Collection):
    collection.save_verdicts([verdict(item=f"p{n}", policy=policy) for n in range(3) for policy in ("a@1", "b@1")])
    assert {v.item for v in collection.verdicts("a@1", ["p1", "p2"])} == {"p1", "p2"}
    assert list(collection.verdicts("a@1", [])) == []
    assert len(list(collection.verdicts())) == 6


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(collection: Collection, score: float):
    broken = verdict().model_copy(update={"scores": {"threat": 0.1, "slur": score}})
    with pytest.raises(AlciatoError, match="p2: .*the score of slur is not a number"):
        collection.save_verdicts([verdict(), broken.model_copy(update={"item": "p2"})])
    assert list(collection.verdicts(history=True)) == []


def test_a_broken_row_is_skipped_and_told_and_stops_nothing(collection: Collection, caplog: pytest.LogCaptureFixture):
    collection.add([text_post(1)])
    collection.save_verdicts([verdict(), verdict(item="p2")])
    collection.table("verdicts").update(where="item = 'p1'", values={"json": '{"item": "p1", "scores": {"a": null}}'})
    with caplog.at_level(logging.WARNING):
        assert [v.item for v in collection.verdicts()] == ["p2"]
    assert "of the table verdicts is skipped" in caplog.text
    assert [(one.table, one.part) for one in collection.check()] == [("verdicts", "rows")]
    collection.repair()
    assert collection.check() == []
    assert [v.item for v in collection.verdicts(history=True)] == ["p2"]


def test_a_broken_item_and_reading_are_skipped_too(collection: Collection, caplog: pytest.LogCaptureFixture):
    collection.add([text_post(1), text_post(2)])
    collection.table("items").update(where="id = 'p1'", values={"json": "{"})
    with caplog.at_level(logging.WARNING):
        assert [item.id for item in collection.items()] == ["p2"]
        assert [item.id for item in collection.items(["p1", "p2"])] == ["p2"]
    assert "'p1' of the table items is skipped" in caplog.text
