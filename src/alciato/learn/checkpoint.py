"""What a run needs to go on exactly where it was: weights, optimiser, step, best figure, the curve so far.

The learning rate, the order of examples and the seeds of all randomness are functions of the step; they need no state.
A checkpoint is a folder of safetensors, Parquet and JSON; nothing in it can carry code. It is written beside
its place and moved there whole, so that a kill at any moment leaves either the old one or the new one.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from alciato.errors import ModelError
from alciato.learn.curve import MetricRow, read_rows, write_rows

KEPT = 2
"""Checkpoints that stay in a run folder: the newest, and one more."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands. `step` steps are done; `progress` is what the trainer counts (best figure, waits)."""

    step: int
    progress: dict[str, Any]
    rows: list[MetricRow]


def save_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, state: Checkpoint, identity: str
) -> Path:
    """Write `folder/step-0000123`, whole or not at all, and remove older ones but for one.

    `identity` is the hash of the configuration: a checkpoint of another one is refused when it is loaded.
    """
    target = folder / f"step-{state.step:08d}"
    draft = folder / f".{target.name}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_weights(draft / "model.safetensors", model)
    tensors, groups = _flatten(optimizer.state_dict())
    save_file(tensors, draft / "optimizer.safetensors")
    write_rows(draft / "metrics.parquet", state.rows)
    document = {"identity": identity, "step": state.step, "progress": state.progress, "optimizer": groups}
    (draft / "state.json").write_text(json.dumps(document), "utf-8")
    _sync(draft)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    for old in checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """Folders of whole checkpoints, the oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def load_checkpoint(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, identity: str) -> Checkpoint:
    """Bring the model and the optimiser to where the checkpoint was.

    Raises:
        ModelError: a file is broken, or the checkpoint belongs to another configuration, model or data.
    """
    try:
        document = json.loads((path / "state.json").read_text("utf-8"))
        weights, tensors = load_file(path / "model.safetensors"), load_file(path / "optimizer.safetensors")
        rows = read_rows(path / "metrics.parquet")
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"the checkpoint cannot be read ({error}).", where=str(path), remedy="Delete it.") from error
    if document["identity"] != identity:
        raise ModelError(
            "the checkpoint belongs to a run with another configuration, model or data.",
            where=str(path),
            remedy="Name another folder for this run, or delete that one.",
        )
    model.load_state_dict(weights)
    optimizer.load_state_dict(_unflatten(tensors, document["optimizer"]))
    return Checkpoint(document["step"], document["progress"], rows)


def save_weights(path: Path, model: torch.nn.Module) -> None:
    """Write a model's weights whole or not at all; tensors that share memory are written once each."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    state = {name: value.detach().to("cpu").contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, draft)
    draft.replace(path)


def _flatten(state: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Part an optimiser's state into tensors by `PARAMETER.NAME` and what JSON holds."""
    tensors, scalars = {}, {}
    for number, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{number}.{name}"] = value.detach().to("cpu").contiguous().clone()
            else:
                scalars[f"{number}.{name}"] = value
    return tensors, {"groups": state["param_groups"], "scalars": scalars}


def _unflatten(tensors: dict[str, torch.Tensor], document: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {}
    for place, value in {**tensors, **document["scalars"]}.items():
        number, _, name = place.partition(".")
        state.setdefault(int(number), {})[name] = value
    groups = [{**group, "betas": tuple(group["betas"])} if "betas" in group else group for group in document["groups"]]
    return {"state": state, "param_groups": groups}


def _sync(folder: Path) -> None:
    """Have the files on disk before the folder gets its name."""
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
