"""From data to a folder that `trained:` opens, in Python and from the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
from typer.testing import CliRunner  # noqa: E402

from alciato.cli.main import app  # noqa: E402
from alciato.errors import ModelError, UsageError  # noqa: E402
from alciato.learn import OBJECTIVES, TRAINABLE, load_examples, prepare, train  # noqa: E402
from alciato.learn.training import measurable  # noqa: E402
from alciato.models import Detector, Encoder, Runtime, default_runtime  # noqa: E402
from alciato.models.trained import KINDS, open_trained  # noqa: E402
from alciato.settings import Settings  # noqa: E402
from learnable import ColourDetector, colours  # noqa: E402

torch.set_num_threads(1)
invoke = CliRunner().invoke


@pytest.fixture
def folder(tmp_path, write_folder):
    """Posts enough for metrics: 40 of each class."""
    return write_folder(tmp_path / "posts", 40)


@pytest.fixture(autouse=True)
def _known():
    with TRAINABLE["reader"].registered("colours", colours), KINDS.registered("colours", ColourDetector):
        default_runtime().forget()
        yield


@pytest.fixture
def result(folder, tmp_path):
    return train(prepare("reader", "colours", load_examples(folder), training={"seed": 1}), tmp_path / "out")


def test_a_strategy_is_trained_saved_and_opened(result, folder):
    assert result.metrics["accuracy"] == 1.0
    names = {path.name for path in result.folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "README.md", "run"}
    detector = default_runtime().load(f"trained:{result.folder}", Detector)
    assert detector.name == f"trained:{result.folder}"
    assert (detector.classes, detector.threshold) == (("blue", "red"), 0.5)
    red = torch.zeros(1, 3, 8, 8)
    red[:, 0] = 1
    assert detector.network({"pictures": red}).argmax().item() == 1


def test_the_card_says_what_one_must_know(result, folder):
    card = (result.folder / "README.md").read_text()
    for words in (
        "Weighs the mean colour.",
        str(folder),
        "| train | 28 | 28 |",
        "| accuracy | 1.0000 |",
        "seed 1",
        "## Licence",
    ):
        assert words in card
    config = json.loads((result.folder / "config.json").read_text())
    assert config["training"]["seed"] == 1
    assert config["counts"]["test"] == result.counts["test"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_folder(result, folder, tmp_path):
    again = train(prepare("reader", "colours", load_examples(folder), training={"seed": 1}), tmp_path / "again")
    other = train(prepare("reader", "colours", load_examples(folder), training={"seed": 2}), tmp_path / "other")
    weights = [(one.folder / "model.safetensors").read_bytes() for one in (result, again, other)]
    assert weights[0] == weights[1] != weights[2]
    assert open_trained(result.folder).fingerprint == open_trained(again.folder).fingerprint
    assert open_trained(result.folder).fingerprint != open_trained(other.folder).fingerprint


def test_what_trained_refuses(result, tmp_path):
    config = result.folder / "config.json"
    document = json.loads(config.read_text())
    with pytest.raises(UsageError, match="ColourDetector, not Encoder"):
        default_runtime().load(f"trained:{result.folder}", Encoder)
    config.write_text(json.dumps({**document, "kind": "os:system"}))  # a folder cannot name a class
    with pytest.raises(UsageError, match="no kind of trained model is named 'os:system'"):
        default_runtime().load(f"trained:{result.folder}", Detector)
    config.write_text(json.dumps({**document, "settings": {"classes": 3, "threshold": 0.5}}))
    with pytest.raises(ModelError, match="the weights do not fit a colours"):
        default_runtime().load(f"trained:{result.folder}", Detector)
    config.write_text(json.dumps({**document, "format": "other/9"}))
    with pytest.raises(ModelError, match="not the configuration of a trained model"):
        default_runtime().load(f"trained:{result.folder}", Detector)
    config.write_text(json.dumps(document))
    weights = result.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(ModelError, match="has SHA-256"):
        default_runtime().load(f"trained:{result.folder}", Detector)
    weights.unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        default_runtime().load(f"trained:{result.folder}", Detector)
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        default_runtime().load(f"trained:{tmp_path}", Detector)


def test_names_and_numbers_that_do_not_exist(folder):
    examples = load_examples(folder)
    with pytest.raises(UsageError, match="no trainable reader is named 'colour'.*'colours'"):
        prepare("reader", "colour", examples)
    with pytest.raises(UsageError, match="training 'learning_rate': Input should be greater than 0"):
        prepare("reader", "colours", examples, training={"learning_rate": -1})
    with pytest.raises(UsageError, match="training 'speed'"):
        prepare("reader", "colours", examples, training={"speed": 9})


def test_device_and_precision_are_those_of_the_settings_unless_named(folder):
    examples, runtime = load_examples(folder), Runtime(Settings(device="cpu", dtype="bfloat16"))
    config = prepare("reader", "colours", examples, runtime=runtime).training
    assert (config.device, config.precision) == ("cpu", "bfloat16")
    config = prepare("reader", "colours", examples, training={"precision": "float32"}, runtime=runtime).training
    assert (config.device, config.precision) == ("cpu", "float32")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["torch", "accelerate"])
def test_a_missing_package_names_the_extra(module, tmp_path):
    """Exit status 3 and the command that installs it, not a traceback."""
    block = f"import sys; sys.modules[{module!r}] = None; from alciato.cli.main import main; sys.argv[1:] = "
    arguments = ["learn", "reader", ".", "--strategy", "memetector", "--out", str(tmp_path / "out")]
    found = subprocess.run(
        [sys.executable, "-c", f"{block}{arguments}; main()"], check=False, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 3, found.stderr
    assert "Traceback" not in found.stderr


def test_the_command_trains(folder, tmp_path):
    out = tmp_path / "out"
    found = invoke(app, ["learn", "reader", str(folder), "--strategy", "colours", "--out", str(out), "--json", "-q"])
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert document["model"] == f"trained:{out}"
    assert document["metrics"]["accuracy"] == 1.0
    assert open_trained(out).classes == ("blue", "red")


def test_a_dry_run_shows_one_batch_and_trains_nothing(folder, tmp_path):
    found = invoke(app, ["learn", "reader", str(folder), "--strategy", "colours", "--dry-run", "--json"])
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)
    assert len(rows) == 8
    assert {row["label"] for row in rows} == {"red", "blue"}
    assert all(row["picture"] == [8, 8] for row in rows)


def test_the_command_says_what_it_left_out(folder, tmp_path):
    (folder / "red-3.png").write_bytes(b"no picture")
    found = invoke(
        app, ["learn", "reader", str(folder), "--strategy", "colours", "--dry-run", "--option", "batch_size=4"]
    )
    assert found.exit_code == 1, found.output
    assert "left out: 1" in found.stderr


def test_the_command_wants_to_know_where(folder):
    found = invoke(app, ["learn", "reader", str(folder), "--strategy", "colours"])
    assert isinstance(found.exception, UsageError)
    assert "--out FOLDER" in str(found.exception)


def test_sizes_are_shown_and_too_few_examples_give_no_metric(write_folder, tmp_path):
    few, out = write_folder(tmp_path / "few", 8), tmp_path / "out"
    found = invoke(app, ["learn", "reader", str(few), "--strategy", "colours", "--out", str(out)])
    assert found.exit_code == 0, found.output
    assert "train: 6 blue, 6 red" in found.stderr
    assert "test: 1 blue, 1 red" in found.stderr
    warning = "the test split has 1 of class 'blue', fewer than 5 of each class: no metric is given"
    assert f"warning: {warning}" in found.stderr
    assert "the validation split has 1 of class 'blue'" in found.stderr
    assert "accuracy" not in found.output
    document = json.loads((out / "config.json").read_text())
    assert document["metrics"] == {}
    assert warning in document["warnings"]
    assert f"- {warning}." in (out / "README.md").read_text()


def test_a_dry_run_shows_the_sizes_too(folder):
    found = invoke(app, ["learn", "reader", str(folder), "--strategy", "colours", "--dry-run", "--json"])
    assert "train: 28 blue, 28 red" in found.stderr
    assert "warning" not in found.stderr


@pytest.mark.parametrize(("counts", "enough"), [({"a": 5, "b": 5}, True), ({"a": 4, "b": 90}, False), ({}, False)])
def test_metrics_need_five_examples_of_each_class(counts, enough):
    assert measurable(counts) is enough


def test_the_list_shows_every_name():
    assert "colours" in json.loads(invoke(app, ["learn", "list", "--json"]).stdout)["reader"]


def test_every_registered_name_is_there():
    """A registered name that cannot be imported is found here, not by a user."""
    for registry in (*TRAINABLE.values(), KINDS, OBJECTIVES):
        assert registry.names()
        assert all(callable(registry.get(name)) for name in registry)
