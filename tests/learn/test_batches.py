"""Order of the examples and learning rate: functions of seed and step alone."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from alciato.learn.batches import BatchOrder, BatchSource, MicroBatch, StepDataset, held_out  # noqa: E402
from alciato.learn.schedule import learning_rate_factor  # noqa: E402

SIZES = {"examples": st.integers(1, 50), "batch_size": st.integers(1, 20), "seed": st.integers(0, 5)}


@given(**SIZES, epoch=st.integers(0, 3))
@settings(deadline=None)
def test_an_epoch_holds_every_example_once(examples, batch_size, seed, epoch):
    order = BatchOrder(examples, batch_size, seed)
    steps = [order.rows(epoch * order.steps + step) for step in range(order.steps)]
    assert sorted(row for rows in steps for row in rows) == list(range(examples))
    assert all(len(rows) == batch_size for rows in steps[:-1])
    assert 1 <= len(steps[-1]) <= batch_size


def test_epochs_and_seeds_have_orders_of_their_own():
    order = BatchOrder(50, 50, 1)
    assert order.rows(0) == BatchOrder(50, 50, 1).rows(0)
    assert order.rows(0) != order.rows(1)
    assert order.rows(0) != BatchOrder(50, 50, 2).rows(0)


@given(**SIZES, step=st.integers(0, 9), processes=st.integers(1, 4), accumulation=st.integers(1, 4))
@settings(deadline=None)
def test_micro_batches_of_all_processes_hold_each_row_of_the_step_once(
    examples, batch_size, seed, step, processes, accumulation
):
    order = BatchOrder(examples, batch_size, seed)
    each = [order.micro_batches(step, accumulation, process, processes) for process in range(processes)]
    assert all(len(own) == accumulation for own in each), "every process does as many passes"
    found = [row for own in each for micro in own if not micro.placeholder for row in micro.rows]
    assert sorted(found) == sorted(order.rows(step))
    assert all(micro.rows for own in each for micro in own), "a placeholder has a row, too"
    sizes = [len(micro.rows) for own in each for micro in own if not micro.placeholder]
    assert max(sizes) - min(sizes) <= 1 or accumulation > 1


def test_micro_batches_draw_from_seeds_of_their_own():
    order = BatchOrder(40, 20, 3)
    seeds = [m.seed for step in range(4) for process in range(2) for m in order.micro_batches(step, 3, process, 2)]
    assert len(set(seeds)) == len(seeds)
    assert seeds[0] == BatchOrder(40, 20, 3).micro_batches(0, 3, 0, 2)[0].seed


def collate(rows, generator):
    return {"rows": rows, "drawn": torch.rand(1, generator=generator)}


def test_a_batch_draws_the_same_numbers_whenever_it_is_made():
    source = BatchSource(list("abcdefgh"), collate)
    one, again, other = (source.batch(MicroBatch((2, 0), seed)) for seed in (5, 5, 6))
    assert one["rows"] == ["c", "a"]
    assert torch.equal(one["drawn"], again["drawn"])
    assert not torch.equal(one["drawn"], other["drawn"])


def test_held_out_examples_come_once_and_in_order():
    assert [batch["rows"] for batch in held_out(list("abcde"), collate, 2)] == [["a", "b"], ["c", "d"], ["e"]]
    assert list(held_out([], collate)) == []


def test_worker_processes_prepare_what_the_trainer_would():
    source, order = BatchSource(list(range(30)), collate), BatchOrder(30, 10, 0)
    prepared = StepDataset(source, order, 2, 0, 1)[1]
    assert [micro for micro, _ in prepared] == order.micro_batches(1, 2)
    assert all(torch.equal(batch["drawn"], source.batch(micro)["drawn"]) for micro, batch in prepared)


@given(steps=st.integers(1, 200), warmup=st.floats(0, 0.9), minimum=st.floats(0, 1))
@settings(deadline=None)
def test_the_learning_rate_rises_to_its_peak_and_falls_to_its_minimum(steps, warmup, minimum):
    factors = [learning_rate_factor(step, steps, warmup, minimum) for step in range(steps)]
    peak = round(warmup * steps)
    assert all(0 <= factor <= 1 + 1e-9 for factor in factors)
    assert factors[:peak] == sorted(factors[:peak])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert all(factor >= minimum - 1e-9 for factor in factors[peak:])


def test_worked_case_of_the_schedule():
    """Ten steps, two of warm-up, down to a tenth: 0.5, 1, then half a cosine from 1."""
    factors = [learning_rate_factor(step, 10, 0.2, 0.1) for step in range(10)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[6] == pytest.approx(0.55)  # half way
    assert factors[9] == pytest.approx(0.1 + 0.9 * (1 - 0.9238795) / 2, abs=1e-6)
