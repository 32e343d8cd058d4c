"""The training loop that every learned part of Alciato uses, on accelerate.

Step s: the rate of `schedule.rate_factor(s)`, the examples of `order.Order` at s, all randomness seeded from s.
A run is thus a function of (configuration, model, data): stopped and resumed, it ends with the same bits on a CPU
with the same number of threads. Loss of a step = mean over its examples, whatever the pieces and processes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import send_to_device

from alciato.errors import AlciatoError, UsageError, unknown_name
from alciato.learn.batches import Batch, Collate, Source, Steps
from alciato.learn.checkpoint import Checkpoint, checkpoints, load_checkpoint, save_checkpoint, save_weights
from alciato.learn.config import TrainingConfig
from alciato.learn.curve import Row, plot, write_rows
from alciato.learn.order import Order, Piece
from alciato.learn.randomness import seed_everything
from alciato.learn.run_folder import environment, write_json
from alciato.learn.schedule import rate_factor
from alciato.progress import Progress, ProgressCallback, silent

_PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


class Objective(Protocol):
    """What is minimised, and what is measured."""

    def loss(self, model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Give the mean loss of a batch's examples, shape (); calls `model(…)` once, as several devices need."""
        ...

    def measure(self, model: torch.nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
        """Give figures of held-out examples; `loss` and names in `_loss` or `_error` are better when lower."""
        ...


@dataclass
class Fitted:
    """A trained model with its best weights, and the curve that led there."""

    model: torch.nn.Module
    steps: int
    best_step: int
    best: float | None  # of the kept figure; None without validation examples
    rows: list[Row] = field(default_factory=list)

    def figures(self, split: str = "validation") -> dict[str, float]:
        """Figures of a split at the best step."""
        return {row.metric: row.value for row in self.rows if row.split == split and row.step == self.best_step}


class Trainer:
    """Trains any model by one configuration.

    Args:
        config: all numbers.
        folder: where the run is written and resumed from; None: nothing is written.
        report: told the step.
    """

    def __init__(self, config: TrainingConfig, folder: Path | None = None, report: ProgressCallback = silent) -> None:
        if config.save_every and folder is None:
            raise UsageError("checkpoints need a folder.", remedy="Give a folder, or leave `save_every` out.")
        self.config, self.folder, self.report = config, folder, report

    def fit(
        self,
        model: torch.nn.Module,
        train: Sequence[Any],
        collate: Collate,
        objective: Objective,
        validation: Sequence[Any] = (),
    ) -> Fitted:
        """Train; go on from the newest checkpoint of the folder if there is one.

        Args:
            model: already built; call `seed_everything` before building it, so that its weights are the seed's.
            train: examples by number, `len(train)` of them.
            collate: makes a batch of examples.
            objective: loss and figures.
            validation: examples that choose the best weights; without any the last weights are kept.

        Raises:
            AlciatoError: no training examples, or a loss that is not a number: at which step, and what to do.
            UsageError: a figure to stop by that the objective does not measure.
        """
        if not len(train):
            raise AlciatoError("there are no training examples.", remedy="Look at what was skipped, and why.")
        if self.config.stop and not len(validation):
            raise UsageError("early stopping needs validation examples.", remedy="Leave `stop` out, or give some.")
        run = _Run(self, model, Source(train, collate), Source(validation, collate), objective)
        run.resume()
        for pieces in run.batches():
            run.step_on(pieces)
            run.check_in()
            if run.stopped:
                break
        return run.finish()


def is_better(metric: str, value: float, best: float | None, least: float = 0.0) -> bool:
    """Tell whether a figure beats the best so far: losses and errors when lower, all others when higher."""
    if math.isnan(value):
        return False
    if best is None:
        return True
    gain = best - value if metric.endswith(("loss", "error")) else value - best
    return gain > least


class _Run:
    """One run under way: `step` steps are done."""

    def __init__(
        self, trainer: Trainer, model: torch.nn.Module, train: Source, validation: Source, objective: Objective
    ) -> None:
        self.config, self.folder, self.report = trainer.config, trainer.folder, trainer.report
        self.train, self.validation, self.objective = train, validation, objective
        self.order = Order(len(train.examples), self.config.batch, self.config.seed)
        self.steps = self.config.steps or self.config.epochs * self.order.steps
        self.identity = _identity(self.config, model, len(train.examples), len(validation.examples))
        self.accelerator = _accelerator(self.config)
        optimizer = torch.optim.AdamW(_groups(model, self.config.weight_decay), self.config.rate, self.config.betas)
        self.plain, self.plain_optimizer = model, optimizer
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.rows: list[Row] = []
        self.step, self.waited, self.best_step = 0, 0, 0
        self.best: float | None = None
        self.best_weights: dict[str, torch.Tensor] | None = None

    def resume(self) -> None:
        """Go to the newest checkpoint; write what is known before the first step."""
        seed_everything(self.config.seed)
        if self.folder is None:
            return
        found = checkpoints(self.folder / "checkpoints")
        if found:
            state = load_checkpoint(found[-1], self.plain, self.plain_optimizer, self.identity)
            self.step, self.rows = state.step, state.rows
            self.waited, self.best, self.best_step = (state.progress[name] for name in ("waited", "best", "best_step"))
            self._restore_scaler(state.progress["scaler"])
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            document = {"training": self.config.model_dump(mode="json"), "identity": self.identity}
            write_json(self.folder / "config.json", document)
            write_json(self.folder / "environment.json", environment())

    @property
    def stopped(self) -> bool:
        """Whether the kept figure has not improved for as long as was allowed."""
        return self.config.stop is not None and self.waited >= self.config.stop.patience

    def batches(self) -> Iterable[list[tuple[Piece, Batch]]]:
        """Yield the pieces of each step that is left."""
        place = (self.accelerator.process_index, self.accelerator.num_processes)
        steps = Steps(self.train, self.order, self.config.accumulation, *place)
        left = range(self.step, self.steps) if not self.stopped else range(0)
        if not self.config.workers:
            return (steps[step] for step in left)
        loader: Iterable[list[tuple[Piece, Batch]]] = torch.utils.data.DataLoader(
            steps, batch_size=None, sampler=left, num_workers=self.config.workers, generator=torch.Generator()
        )
        return loader

    def step_on(self, pieces: list[tuple[Piece, Batch]]) -> None:
        """Do one optimiser step."""
        rate = self.config.rate * rate_factor(self.step, self.steps, self.config.warm_up, self.config.last_rate)
        for group in self.plain_optimizer.param_groups:
            group["lr"] = rate
        if not self.model.training:
            self.model.train()
        loss = self.accelerator.reduce(self._backward(pieces), "sum").item()
        if not math.isfinite(loss):
            raise self._not_finite("loss", loss, pieces)
        figures = {"loss": loss, "rate": rate}
        if self.config.clip is not None:
            norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip))
            if not math.isfinite(norm) and self.accelerator.scaler is None:  # a scaler skips such a step itself
                raise self._not_finite("gradient", norm, pieces)
            figures["gradient"] = norm
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._note("train", figures)
        self.report(Progress("train", self.step, self.steps))

    def _backward(self, pieces: list[tuple[Piece, Batch]]) -> torch.Tensor:
        """Add the gradients of all pieces up; the sum of this process's weighted losses, shape ()."""
        total = torch.zeros((), device=self.accelerator.device)
        for number, (piece, batch) in enumerate(pieces):
            seed_everything(piece.seed)
            later = number < len(pieces) - 1
            with self.accelerator.no_sync(self.model) if later else nullcontext():
                loss = self.objective.loss(self.model, send_to_device(batch, self.accelerator.device))
                weighed = loss * (piece.weight * self.accelerator.num_processes)
                # Without a scaler accelerate only calls this, after looking for optional packages on disk.
                weighed.backward() if self.accelerator.scaler is None else self.accelerator.backward(weighed)
            total += loss.detach().float() * piece.weight
        return total

    def check_in(self) -> None:
        """Validate and write a checkpoint where one is due."""
        every = self.config.validate_every or self.order.steps
        last = self.step == self.steps
        if len(self.validation.examples) and (self.step % every == 0 or last):
            self._validate()
        due = self.config.save_every and self.step % self.config.save_every == 0
        if due and self.folder is not None and self.accelerator.is_main_process:
            progress = {"waited": self.waited, "best": self.best, "best_step": self.best_step}
            scaler = self.accelerator.scaler
            progress["scaler"] = scaler.state_dict() if scaler is not None else None
            state = Checkpoint(self.step, progress, self.rows)
            save_checkpoint(self.folder / "checkpoints", self.plain, self.plain_optimizer, state, self.identity)

    def _validate(self) -> None:
        """Measure on every process alike: no figure has to be put together from shares."""
        self.model.eval()
        figures = measure(self.plain, self.validation.all(self.config.batch), self.objective, self.accelerator.device)
        if self.config.kept not in figures:
            raise unknown_name("figure", self.config.kept, list(figures))
        self._note("validation", figures)
        least = self.config.stop.least if self.config.stop else 0.0
        if is_better(self.config.kept, figures[self.config.kept], self.best, least):
            self.best, self.best_step, self.waited = figures[self.config.kept], self.step, 0
            self._keep_weights()
        else:
            self.waited += 1

    def _keep_weights(self) -> None:
        if self.folder is None:
            self.best_weights = {name: value.detach().clone() for name, value in self.plain.state_dict().items()}
        elif self.accelerator.is_main_process:
            save_weights(self.folder / "best.safetensors", self.plain)

    def finish(self) -> Fitted:
        """Give the model its best weights and write what the run has to show."""
        if not len(self.validation.examples):
            self.best_step = self.step
            self._keep_weights()
        self.accelerator.wait_for_everyone()
        self._restore_best()
        if self.folder is not None and self.accelerator.is_main_process:
            write_rows(self.folder / "metrics.parquet", self.rows)
            plot(self.folder / "plot.svg", self.rows)
        model = self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        return Fitted(model.eval(), self.step, self.best_step, self.best, self.rows)

    def _restore_best(self) -> None:
        if self.best_weights is not None:
            self.plain.load_state_dict(self.best_weights)
        elif self.folder is not None and self.best_step:
            from safetensors.torch import load_file

            self.plain.load_state_dict(load_file(self.folder / "best.safetensors"))

    def _restore_scaler(self, state: dict[str, Any] | None) -> None:
        if state is not None and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state)

    def _note(self, split: str, figures: Mapping[str, float]) -> None:
        epoch = self.step / self.order.steps
        self.rows += [Row(self.step, epoch, split, metric, float(value)) for metric, value in figures.items()]

    def _not_finite(self, what: str, value: float, pieces: list[tuple[Piece, Batch]]) -> AlciatoError:
        names = [str(name) for _, batch in pieces for name in batch.get("ids", ())][:8]
        return AlciatoError(
            f"the {what} became {value} at step {self.step + 1} of {self.steps}"
            + (f" (examples {', '.join(names)}, …)." if names else "."),
            remedy="Lower `rate`, raise `warm_up`, set `clip` to 1, use float32, or look for NaN in these examples.",
        )


def measure(
    model: torch.nn.Module, batches: Iterable[Batch], objective: Objective, device: torch.device | None = None
) -> dict[str, float]:
    """Measure a model without gradients, in evaluation mode."""
    place = device or next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    model.eval()
    with torch.inference_mode():
        return objective.measure(model, (send_to_device(batch, place) for batch in batches))


def _accelerator(config: TrainingConfig) -> Accelerator:
    if config.precision == "float16" and (config.device == "cpu" or not torch.cuda.is_available()):
        raise UsageError("float16 needs a GPU.", remedy="Use bfloat16 or float32.")
    # accelerate keeps the first precision of a process for good; a second trainer may want another.
    AcceleratorState._reset_state(reset_partial_state=False)  # there is no public way
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # a missing modality leaves its module out
    return Accelerator(
        mixed_precision=_PRECISIONS[config.precision], cpu=config.device == "cpu", kwargs_handlers=[unused]
    )


def _groups(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Decay matrices, leave biases and norms alone."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise UsageError("no parameter of the model is trained.", remedy="Unfreeze some, or add an adapter.")
    matrices = [parameter for parameter in trained if parameter.ndim > 1]
    vectors = [parameter for parameter in trained if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _identity(config: TrainingConfig, model: torch.nn.Module, train: int, validation: int) -> str:
    """Hash of what makes a run this run; `workers` and `device` do not."""
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    numbers = config.model_dump_json(exclude={"workers", "device", "save_every"})
    return hashlib.sha256(repr((numbers, shapes, train, validation)).encode()).hexdigest()
