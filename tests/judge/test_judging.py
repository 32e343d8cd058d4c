from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image as Pictures

from alciato.errors import AlciatoError, UsageError
from alciato.executor import run
from alciato.item import Box, Reading, Segment, Verdict
from alciato.judge import judge, judge_items, judging, load_policy
from alciato.judge.strategies.prototype import Prototype
from alciato.judge.strategy import load_strategy
from alciato.models import Runtime, workers
from alciato.report.jsonl import verdict_line, write_jsonl
from alciato.sources import scan

TEXTS = ["martians are vermin", "good morning", "martians are welcome", "hurt yourself tonight", "the cat sleeps"]


@pytest.fixture
def filled(collection, post, encoder, use_model):
    collection.add(post(text, source=f"/posts/{number}.txt") for number, text in enumerate(TEXTS))
    use_model(encoder)
    return collection


def test_every_item_gets_a_verdict_in_order_and_it_is_kept(filled, policy, settings):
    verdicts = list(judge(filled, policy, runtime=Runtime(settings)))
    assert [verdict.item for verdict in verdicts] == [item.id for item in filled.items()]
    assert [verdict.decision for verdict in verdicts] == ["remove", "allow", "allow", "review", "allow"]
    assert verdicts[0].target == "Martians"
    assert verdicts[0].source == "/posts/0.txt"
    assert verdicts[0].policy == policy.label
    assert "Attack" in verdicts[0].reasons[0]
    assert {v.item: v for v in filled.verdicts()} == {v.item: v for v in verdicts}
    assert '"strategy":"prototype"' in verdict_line(verdicts[0])


def test_a_run_that_was_stopped_goes_on_and_a_second_run_judges_nothing_again(filled, policy, settings, encoder):
    run = judge(filled, policy, runtime=Runtime(settings))
    first = next(run)
    run.close()
    encoder.seen.clear()
    verdicts = list(judge(filled, policy, runtime=Runtime(settings)))
    assert verdicts[0] == first
    assert not {"martians are vermin", "good morning"} <= set(encoder.seen[len(set(TEXTS)) :])
    encoder.seen.clear()
    assert list(judge(filled, policy, runtime=Runtime(settings))) == verdicts
    assert "the cat sleeps" not in encoder.seen[-3:]
    again = list(judge(filled, policy, runtime=Runtime(settings), again=True))
    assert [v.scores for v in again] == [v.scores for v in verdicts]
    assert again[0].judged_at > verdicts[0].judged_at


def test_another_policy_model_or_a_newer_reading_is_judged_anew(filled, policy, settings, encoder, use_model):
    before = {v.item: v for v in judge(filled, policy, runtime=Runtime(settings))}
    item = next(filled.items()).id
    later = datetime.now(UTC) + timedelta(seconds=5)
    reading = Reading(item=item, part=0, kind="ocr", model="m", version="1", read_at=later)
    words = Segment(id=f"{item}/0/ocr/0", item=item, part=0, kind="ocr", text="hurt yourself", box=Box(1, 2, 3, 4))
    filled.save_readings([reading], [words])
    after = {v.item: v for v in judge(filled, policy, runtime=Runtime(settings))}
    assert [id_ for id_ in before if after[id_] != before[id_]] == [item]
    use_model(type(encoder)("2"))
    newer = list(judge(filled, policy, runtime=Runtime(settings)))
    assert all(verdict != after[verdict.item] for verdict in newer)
    changed = policy.model_copy(update={"version": "2"})
    assert all(verdict.policy == changed.label for verdict in judge(filled, changed, runtime=Runtime(settings)))


def in_one_process(task, batches, *, workers, runner):
    return run(task, batches, workers=1, runner=runner)


@pytest.mark.parametrize("case", [("native", 6, []), ("native", 5, [3]), ("ray", 6, [3])])
def test_few_posts_are_judged_in_this_process_and_many_in_workers(filled, policy, settings, encoder, monkeypatch, case):
    (runner, worth, started), counts = case, []

    def watched(task, batches, *, workers, runner):
        counts.append(workers)
        return in_one_process(task, batches, workers=workers, runner="native")

    monkeypatch.setattr(judging, "run", watched)
    monkeypatch.setattr(judging, "cores", lambda: 3)
    monkeypatch.setattr(workers, "cores", lambda: 3)
    monkeypatch.setattr(judging, "WORTH_WORKERS", worth)
    runtime = Runtime(settings.model_copy(update={"runner": runner, "batch": 1}))
    assert len(list(judge(filled, policy, runtime=runtime))) == len(TEXTS)
    assert counts == started
    list(judge(filled, policy, Prototype(encoder, policy), runtime=runtime, again=True))
    assert counts == started  # a strategy that no worker can make again stays in this process
    if runner == "native":
        assert len(list(judge(filled, policy, runtime=runtime))) == len(TEXTS)
        assert counts == started  # all stand
    list(judge(filled, policy, load_strategy("prototype", policy, runtime, {}), runtime=runtime, again=True))
    assert counts == 2 * started


@pytest.mark.slow
def test_workers_judge_as_one_process_does(filled, policy, settings, monkeypatch):
    monkeypatch.undo()  # the packaged encoder, which workers load too
    alone = list(judge(filled, policy, runtime=Runtime(settings)))
    both = Runtime(settings.model_copy(update={"workers": 2, "batch": 1}))
    together = list(judge(filled, policy, runtime=both, again=True))
    at = alone[0].judged_at
    assert [one.model_copy(update={"judged_at": at}) for one in together] == [
        one.model_copy(update={"judged_at": at}) for one in alone
    ]


def test_verdicts_come_in_order_whatever_batch_is_done_first_and_a_lost_post_goes_to_a_person(
    filled, policy, settings, monkeypatch
):
    def backwards(task, batches, *, workers, runner):
        done = list(in_one_process(task, batches, workers=workers, runner=runner))[::-1]
        yield from [one._replace(result=None, error="it was ended by SIGKILL.") for one in done[:1]] + done[1:]

    monkeypatch.setattr(judging, "run", backwards)
    runtime = Runtime(settings.model_copy(update={"workers": 2, "batch": 2}))
    verdicts = list(judge(filled, policy, runtime=runtime))
    assert [verdict.item for verdict in verdicts] == filled.ids()
    assert [verdict.decision for verdict in verdicts] == ["remove", "allow", "allow", "review", "review"]
    assert verdicts[-1].reasons == ("It could not be judged: it was ended by SIGKILL.",)


def test_ids_choose_items(filled, policy, settings):
    chosen = [item.id for item in filled.items()][3:1:-1]
    assert [verdict.item for verdict in judge(filled, policy, runtime=Runtime(settings), ids=chosen)] == chosen


def test_what_fails_goes_to_a_person_counts_as_skipped_and_is_tried_again(filled, policy, settings, encoder, post):
    filled.add([post("poison")])
    seen = []
    verdicts = list(judge(filled, policy, runtime=Runtime(settings), report=seen.append))
    assert verdicts[-1].decision == "review"
    assert verdicts[-1].scores == {}
    assert verdicts[-1].reasons == ("It could not be judged: it choked",)
    assert (seen[-1].done, seen[-1].total, seen[-1].skipped) == (6, 6, 1)
    encoder.seen.clear()
    list(judge(filled, policy, runtime=Runtime(settings)))
    assert encoder.seen[-1] == "poison"


def test_a_reading_error_and_an_unseen_picture_are_told(collection, post, policy, settings, encoder, use_model):
    use_model(encoder)
    made = post("bread")
    reading = Reading(item=made.item.id, part=0, kind="ocr", model="m", version="1", error="too large")
    (verdict,) = judge_items([(made.item, [], [reading])], policy, runtime=Runtime(settings))
    assert "Part 0 was not judged, since it could not be read (ocr): too large" in verdict.reasons
    assert verdict.decision == "review"


def test_an_unknown_strategy_names_the_nearest(filled, policy, settings):
    with pytest.raises(UsageError, match="Did you mean 'prototype'"):
        list(judge(filled, policy, "prototypes", runtime=Runtime(settings)))


def test_the_prompt_strategy_keeps_its_verdicts_apart(filled, policy, settings, scripted, use_model):
    use_model(scripted({"Attack": 0.7}))
    list(judge(filled, policy, runtime=Runtime(settings)))
    verdicts = list(judge(filled, policy, "prompt", runtime=Runtime(settings)))
    assert {verdict.decision for verdict in verdicts} == {"review"}
    assert len(list(filled.verdicts(policy.label))) == 2 * len(TEXTS)


def test_verdicts_as_lines_come_back_as_they_were(filled, policy, settings, tmp_path):
    verdicts = list(judge(filled, policy, runtime=Runtime(settings)))
    assert write_jsonl(tmp_path / "new" / "v.jsonl", verdicts) == len(TEXTS)
    lines = (tmp_path / "new" / "v.jsonl").read_text().splitlines()
    assert [Verdict.model_validate_json(line) for line in lines] == verdicts
    assert lines[0] == verdict_line(verdicts[0])
    with pytest.raises(AlciatoError, match="cannot be written"):
        write_jsonl(tmp_path / "new" / "v.jsonl" / "x", verdicts)


def test_importing_the_folder_loads_nothing_heavy():
    import subprocess
    import sys

    code = "import alciato.judge, sys; print([m for m in ('numpy', 'lancedb', 'jinja2', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_all_there():
    import alciato.judge

    assert all(getattr(alciato.judge, name) for name in alciato.judge.__all__)
    assert load_policy is alciato.judge.load_policy


TOLD = {
    "caption": ("the words are close to", ("what the picture shows is", "picture together", "the description “")),
    "alt_text": ("what the picture shows is close to", ("the words are close", "the text “")),
}


@pytest.mark.parametrize("column", TOLD)
def test_a_caption_of_a_table_is_what_its_author_wrote_and_no_description(
    collection, policy, encoder, use_model, settings, tmp_path, column
):
    """Issue 9, item 28: an insult that the author typed was told as what the picture shows."""
    says, never = TOLD[column]
    Pictures.new("RGB", (40, 40), "navy").save(tmp_path / "a.png")
    words = "martians are vermin" if column == "caption" else "a dump"
    (tmp_path / "posts.csv").write_text(f"id,image,{column}\nfirst,a.png,{words}\n")
    collection.add(scan([tmp_path / "posts.csv"]))
    use_model(encoder)
    if column == "alt_text":
        hate = policy.categories[0]
        alone = hate.examples[0].model_copy(update={"words": "", "picture": "a dump"})
        policy = policy.model_copy(
            update={"benign": (), "categories": (hate.model_copy(update={"examples": (alone,)}),)}
        )
    (verdict,) = judge(collection, policy, runtime=Runtime(settings))
    said = " ".join(verdict.reasons)
    assert says in said
    assert not [words for words in never if words in said]
    assert {place.kind for place in verdict.evidence} == {"body" if column == "caption" else "caption"}
