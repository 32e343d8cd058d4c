"""The trainer: laws of steps, micro-batches, stopping, resuming, and its errors."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from alciato.errors import AlciatoError, ModelError, UsageError  # noqa: E402
from alciato.learn import Classification, EarlyStopping, Trainer, TrainingConfig, held_out, measure, seed_everything  # noqa: E402
from alciato.learn.curve import read_rows  # noqa: E402

torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self, dropout=0.2):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Dropout(dropout), nn.Linear(16, 2))

    def forward(self, batch):
        return self.layers(batch["features"])


def data(count=37, seed=3):
    """Points on either side of a plane."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 4, generator=generator)
    return list(zip(features, (features.sum(1) > 0).long(), strict=True))


def collate(rows, generator):
    features, labels = zip(*rows, strict=True)
    return {"features": torch.stack(features), "labels": torch.stack(labels)}


def noisy(rows, generator):
    """A collator that draws: training must still resume exactly."""
    batch = collate(rows, generator)
    return {**batch, "features": batch["features"] + 0.1 * torch.randn(batch["features"].shape, generator=generator)}


OBJECTIVE = Classification(("below", "above"))


def fit(folder=None, *, collate=collate, dropout=0.2, train=None, validation=None, objective=OBJECTIVE, **config):
    config = TrainingConfig(**{"epochs": 4, "batch_size": 8, "learning_rate": 1e-2, "device": "cpu", **config})
    seed_everything(config.seed)
    validation = data(20, 5) if validation is None else validation
    return Trainer(config, folder).fit(Net(dropout), train or data(), collate, objective, validation)


def weights(fitted):
    return {name: value.clone() for name, value in fitted.model.state_dict().items()}


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_it_learns():
    fitted = fit(epochs=30, dropout=0.0)
    assert fitted.metrics()["accuracy"] >= 0.9
    assert fitted.best == min(row.value for row in fitted.rows if (row.split, row.metric) == ("validation", "loss"))


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    assert same(weights(fit()), weights(fit()))
    assert not same(weights(fit()), weights(fit(seed=1)))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stopped_run_resumes_to_the_same_bits(tmp_path, monkeypatch, workers):
    whole = fit(tmp_path / "whole", collate=noisy, save_every=3, workers=workers)
    original = Trainer(TrainingConfig()).report

    class Killed(Exception):
        pass

    def kill(progress):
        if progress.done == 14:
            raise Killed

    config = TrainingConfig(epochs=4, batch_size=8, learning_rate=1e-2, device="cpu", save_every=3, workers=workers)
    seed_everything(0)
    with pytest.raises(Killed):
        Trainer(config, tmp_path / "cut", kill).fit(Net(), data(), noisy, OBJECTIVE, data(20, 5))
    seed_everything(99)  # the weights come from the checkpoint, not from this seed
    resumed = Trainer(config, tmp_path / "cut", original).fit(Net(), data(), noisy, OBJECTIVE, data(20, 5))
    assert resumed.rows == whole.rows  # the loss curve, to the last bit
    assert same(weights(resumed), weights(whole))
    names = ("best.safetensors", "metrics.parquet")
    assert all((tmp_path / "cut" / n).read_bytes() == (tmp_path / "whole" / n).read_bytes() for n in names)


def test_micro_batches_do_not_change_the_mathematics():
    """Accumulation only divides a step: the same curve, but for the last bits of the sums."""
    one = fit(dropout=0.0, gradient_accumulation_steps=1)
    four = fit(dropout=0.0, gradient_accumulation_steps=4)
    assert [row.value for row in four.rows] == pytest.approx([row.value for row in one.rows], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_accumulation_is_exact_for_weighted_classes(smoothing):
    """The loss is a mean over class weights, which differ from micro-batch to micro-batch."""
    objective = Classification(("below", "above"), weights=(0.2, 3.0), smoothing=smoothing)
    runs = [fit(dropout=0.0, objective=objective, gradient_accumulation_steps=steps) for steps in (1, 4)]
    losses, norms = (
        [[row.value for row in run.rows if row[2:4] == ("train", metric)] for run in runs]
        for metric in ("loss", "grad_norm")
    )
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


def test_accumulation_is_exact_where_modules_are_missing():
    """MultiModN's loss is a mean over the steps taken, whose number differs from post to post."""
    from alciato.learn import ModularObjective
    from alciato.nets.modular import ModularConfig, ModularJudge

    def posts(count=30):
        generator = torch.Generator().manual_seed(4)
        values, there = torch.randn(count, 2, 3, generator=generator), torch.rand(count, 2, generator=generator) > 0.5
        labels = torch.randint(-1, 2, (count,), generator=generator)  # -1: not labelled
        return list(zip(values, there, labels, strict=True))

    def gather(rows, generator):
        values, there, labels = (torch.stack(column) for column in zip(*rows, strict=True))
        inputs, present = ({"a": x[:, 0], "b": x[:, 1]} for x in (values, there))
        return {"inputs": inputs, "present": present, "targets": {"t": labels}}

    def run(steps):
        config = TrainingConfig(epochs=2, batch_size=10, gradient_accumulation_steps=steps, device="cpu")
        seed_everything(0)
        judge = ModularJudge(ModularConfig(modules={"a": 3, "b": 3}, tasks={"t": 2}, dropout=0.0))
        return Trainer(config).fit(judge, posts(), gather, ModularObjective(("t",), shuffle=False))

    one, five = run(1), run(5)
    assert [row.value for row in five.rows] == pytest.approx([row.value for row in one.rows], rel=1e-3, abs=1e-5)
    assert all(
        torch.allclose(value, five.model.state_dict()[n], atol=1e-4) for n, value in one.model.state_dict().items()
    )


def test_it_equals_a_loop_written_out():
    """A bare PyTorch loop with the same order, rate and clipping ends with the same weights."""
    from alciato.learn.batches import BatchOrder
    from alciato.learn.schedule import learning_rate_factor

    fitted = fit(dropout=0.0, validation=[], weight_decay=0.0)
    seed_everything(0)
    net, examples = Net(0.0), data()
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=0.0)
    order = BatchOrder(len(examples), 8, 0)
    for step in range(4 * 5):
        optimizer.param_groups[0]["lr"] = 1e-2 * learning_rate_factor(step, 20, 0.05, 0.0)
        batch = collate([examples[row] for row in order.rows(step)], None)
        nn.functional.cross_entropy(net(batch), batch["labels"]).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    for name, value in net.state_dict().items():
        assert torch.allclose(value, fitted.model.state_dict()[name], atol=1e-6)


def test_early_stopping_keeps_the_best_weights(tmp_path):
    fitted = fit(tmp_path, epochs=200, learning_rate=0.1, early_stopping=EarlyStopping(metric="loss", patience=2))
    assert fitted.steps < 200 * 5
    assert fitted.steps == fitted.best_step + 2 * 5
    figures = measure(fitted.model, held_out(data(20, 5), collate), OBJECTIVE)
    assert figures["loss"] == pytest.approx(fitted.best, rel=1e-5)


def test_the_run_folder_says_what_was_done(tmp_path):
    import json

    fitted = fit(tmp_path, save_every=5)
    assert json.loads((tmp_path / "config.json").read_text())["training"]["batch_size"] == 8
    assert json.loads((tmp_path / "environment.json").read_text())["packages"]["torch"]
    assert read_rows(tmp_path / "metrics.parquet") == fitted.rows
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")
    names = [path.name for path in (tmp_path / "checkpoints").iterdir()]
    assert sorted(names) == ["step-00000015", "step-00000020"]  # the newest, and one more
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {
        ".json",
        ".parquet",
        ".svg",
        ".safetensors",
    }


def test_nan_names_the_step_and_what_to_do():
    examples = [(torch.full((4,), math.nan), torch.tensor(0))] * 8
    with pytest.raises(AlciatoError, match=r"loss became nan at step 1 of 4.*Lower `learning_rate`"):
        fit(train=examples)


def test_nan_names_the_examples():
    def named(rows, generator):
        return {**collate(rows, generator), "ids": ["meme-7"] * len(rows)}

    with pytest.raises(AlciatoError, match="examples meme-7"):
        fit(train=[(torch.full((4,), math.nan), torch.tensor(0))], collate=named)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    fit(tmp_path, save_every=5)
    with pytest.raises(ModelError, match="another configuration"):
        fit(tmp_path, save_every=5, learning_rate=1e-4)


def test_a_broken_checkpoint_is_named(tmp_path):
    fit(tmp_path, save_every=5)
    (tmp_path / "checkpoints/step-00000020/model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="step-00000020.*cannot be read"):
        fit(tmp_path, save_every=5)


def test_errors_of_use():
    with pytest.raises(AlciatoError, match="no training examples"):
        Trainer(TrainingConfig()).fit(Net(), [], collate, OBJECTIVE)
    with pytest.raises(UsageError, match="needs validation examples"):
        fit(early_stopping=EarlyStopping(), validation=[])
    with pytest.raises(UsageError, match="no metric is named 'acuracy'.*'accuracy'"):
        fit(best_metric="acuracy")
    with pytest.raises(UsageError, match="float16 needs a GPU"):
        fit(precision="float16")
    with pytest.raises(UsageError, match="checkpoints need a folder"):
        fit(save_every=3)


def test_bfloat16_trains_and_leaves_float32_behind():
    fitted = fit(precision="bfloat16", epochs=10)
    assert fitted.metrics()["accuracy"] > 0.6
    assert fitted.model({"features": torch.zeros(1, 4)}).dtype == torch.float32
    assert fit().metrics()  # and float32 afterwards in the same process
