"""A run that is killed, and a run of two processes: the same as an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import load_file  # noqa: E402

from alciato.learn.curve import read_rows  # noqa: E402

SCRIPT = Path(__file__).with_name("train_script.py")
ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def train(folder, *more):
    return subprocess.Popen([sys.executable, str(SCRIPT), str(folder), *map(str, more)], env=ALONE)


@pytest.mark.slow
def test_kill_9_in_mid_training_and_resume_gives_identical_weights(tmp_path):
    killed = train(tmp_path / "cut", 0.3)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("cut/checkpoints/step-*8")):
        assert killed.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "cut/metrics.parquet").exists()
    assert train(tmp_path / "whole").wait(300) == 0
    assert train(tmp_path / "cut").wait(300) == 0
    for name in ("best.safetensors", "metrics.parquet", "checkpoints/step-00000028/model.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["classification", "contrastive"])
def test_two_processes_train_as_one_does(tmp_path, objective):
    """The batch is split over two processes: the same mathematics, but for rounding.

    41 examples in batches of 10: the last step has one example, so that the second process has a placeholder only.
    For the contrastive objective, the negatives of each process are gathered from both.
    """
    assert train(tmp_path / "one", 0, 0, objective).wait(300) == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0"]
    two = [*launch, "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0", str(SCRIPT), str(tmp_path / "two")]
    environment = {**ALONE, "ACCELERATE_USE_CPU": "true"}
    subprocess.run([*two, "0", "0", objective], env=environment, check=True, timeout=300)
    one, other = (read_rows(tmp_path / name / "metrics.parquet") for name in ("one", "two"))
    assert [row[:4] for row in other] == [row[:4] for row in one]
    assert [row.value for row in other] == pytest.approx([row.value for row in one], rel=1e-3, abs=1e-5)
    first, second = (load_file(tmp_path / name / "best.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)
