"""The training loop of small mechanisms, on accelerate; pretrained models are trained by their own libraries' trainers.

At step s the learning rate is `learning_rate_factor(s)` of the configured one, the examples are those of `BatchOrder`
at s, and all randomness is seeded from s. A run is a function of (configuration, model, data): stopped and resumed, it
ends with the same bits on a CPU with the same number of threads. For an `Objective`, the loss of a step is the mean
over its terms, for any number of micro-batches and processes; for a `CoupledObjective`, it is that of the whole step.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import send_to_device

from alciato.errors import AlciatoError, UsageError, unknown_name
from alciato.learn.batches import Batch, BatchOrder, BatchSource, Collate, MicroBatch, StepDataset
from alciato.learn.checkpoint import Checkpoint, checkpoints, load_checkpoint, save_checkpoint, save_weights
from alciato.learn.config import TrainingConfig
from alciato.learn.curve import MetricRow, plot, write_rows
from alciato.learn.grad_cache import embedding_gradients, surrogate
from alciato.learn.objectives import CoupledObjective, Objective
from alciato.learn.randomness import seed_everything
from alciato.learn.run_folder import environment, write_json
from alciato.learn.schedule import learning_rate_factor
from alciato.progress import Progress, ProgressCallback, silent

_PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


@dataclass
class Fitted:
    """A trained model with its best weights, and the metrics of the run."""

    model: torch.nn.Module
    steps: int
    best_step: int
    best: float | None  # of the selection metric; None without validation examples
    rows: list[MetricRow] = field(default_factory=list)

    def metrics(self, split: str = "validation") -> dict[str, float]:
        """Metrics of a split at the best step."""
        return {row.metric: row.value for row in self.rows if row.split == split and row.step == self.best_step}


class Trainer:
    """Trains any model by one configuration.

    Args:
        config: hyperparameters.
        folder: where the run is written and resumed from; None: nothing is written.
        report: receives the progress after every step.
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
        objective: Objective | CoupledObjective,
        validation: Sequence[Any] = (),
    ) -> Fitted:
        """Train a model; resume from the newest checkpoint of the folder, if there is one.

        Args:
            model: the network; call `seed_everything` before building it, so that the seed determines its weights.
            train: training examples.
            collate: makes a batch of examples.
            objective: loss and metrics.
            validation: examples that select the best weights; without any, the last weights are kept.

        Raises:
            AlciatoError: there are no training examples, or the loss is not finite: at which step, and the remedy.
            UsageError: the selection metric is none that the objective measures.
        """
        if not len(train):
            raise AlciatoError("there are no training examples.", remedy="See which posts were left out, and why.")
        if self.config.early_stopping and not len(validation):
            raise UsageError(
                "early stopping needs validation examples.", remedy="Leave `early_stopping` out, or give some."
            )
        run = _Run(self, model, BatchSource(train, collate), BatchSource(validation, collate), objective)
        run.resume()
        for micro_batches in run.batches():
            run.optimise(micro_batches)
            run.validate_and_save()
            if run.stopped:
                break
        return run.finish()


def is_better(metric: str, value: float, best: float | None, min_delta: float = 0.0) -> bool:
    """Tell whether a metric improves on the best so far: losses and errors when lower, all others when higher."""
    if math.isnan(value):
        return False
    if best is None:
        return True
    gain = best - value if metric.endswith(("loss", "error")) else value - best
    return gain > min_delta


class _Run:
    """State of one run; `step` counts the optimiser steps done."""

    def __init__(
        self,
        trainer: Trainer,
        model: torch.nn.Module,
        train: BatchSource,
        validation: BatchSource,
        objective: Objective | CoupledObjective,
    ) -> None:
        self.config, self.folder, self.report = trainer.config, trainer.folder, trainer.report
        self.train, self.validation, self.objective = train, validation, objective
        self.order = BatchOrder(len(train.examples), self.config.batch_size, self.config.seed)
        self.steps = self.config.steps or self.config.epochs * self.order.steps
        self.identity = _identity(self.config, model, len(train.examples), len(validation.examples))
        self.accelerator = _accelerator(self.config)
        optimizer = torch.optim.AdamW(
            _groups(model, self.config.weight_decay), self.config.learning_rate, self.config.betas
        )
        self.plain, self.plain_optimizer = model, optimizer
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.rows: list[MetricRow] = []
        self.step, self.waited, self.best_step = 0, 0, 0
        self.best: float | None = None
        self.best_weights: dict[str, torch.Tensor] | None = None

    def resume(self) -> None:
        """Load the newest checkpoint; write the configuration before the first step."""
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
        """Whether early stopping ends the run."""
        stopping = self.config.early_stopping
        return stopping is not None and self.waited >= stopping.patience

    def batches(self) -> Iterable[list[tuple[MicroBatch, Batch]]]:
        """Yield the micro-batches of each remaining step."""
        place = (self.accelerator.process_index, self.accelerator.num_processes)
        steps = StepDataset(self.train, self.order, self.config.gradient_accumulation_steps, *place)
        left = range(self.step, self.steps) if not self.stopped else range(0)
        if not self.config.workers:
            return (steps[step] for step in left)
        loader: Iterable[list[tuple[MicroBatch, Batch]]] = torch.utils.data.DataLoader(
            steps, batch_size=None, sampler=left, num_workers=self.config.workers, generator=torch.Generator()
        )
        return loader

    def optimise(self, micro_batches: list[tuple[MicroBatch, Batch]]) -> None:
        """Do one optimiser step."""
        config = self.config
        factor = learning_rate_factor(self.step, self.steps, config.warmup_ratio, config.min_learning_rate_ratio)
        learning_rate = config.learning_rate * factor
        for group in self.plain_optimizer.param_groups:
            group["lr"] = learning_rate
        if not self.model.training:
            self.model.train()
        loss = self._backward(micro_batches)
        if not math.isfinite(loss):
            raise self._not_finite("loss", loss, micro_batches)
        metrics = {"loss": loss, "learning_rate": learning_rate}
        if config.max_grad_norm is not None:
            norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), config.max_grad_norm))
            if not math.isfinite(norm) and self.accelerator.scaler is None:  # a scaler skips such a step itself
                raise self._not_finite("gradient", norm, micro_batches)
            metrics["grad_norm"] = norm
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._note("train", metrics)
        self.report(Progress("train", self.step, self.steps))

    def _backward(self, micro_batches: list[tuple[MicroBatch, Batch]]) -> float:
        """Accumulate the gradient of the step; return its loss over all processes."""
        batches = [(micro, send_to_device(batch, self.accelerator.device)) for micro, batch in micro_batches]
        if isinstance(self.objective, CoupledObjective):
            return self._backward_coupled(self.objective, batches)
        weights = [0.0 if micro.placeholder else self.objective.weight(batch) for micro, batch in batches]
        total = max(self._sum_over_processes(sum(weights)), 1e-12)
        loss_sum = torch.zeros((), device=self.accelerator.device)
        for number, (micro, batch) in enumerate(batches):
            share = weights[number] / total
            seed_everything(micro.seed)
            with self._synchronised(last=number == len(batches) - 1):
                loss = self.objective.loss(self.model, batch)
                self._propagate(loss * (share * self.accelerator.num_processes))
            loss_sum += loss.detach().float() * share
        return float(self.accelerator.reduce(loss_sum, "sum").item())

    def _backward_coupled(self, objective: CoupledObjective, batches: list[tuple[MicroBatch, Batch]]) -> float:
        """Back-propagate a loss of the whole step: directly where it is one forward pass, else by GradCache."""
        processes = self.accelerator.num_processes
        if len(batches) == processes == 1:
            seed_everything(batches[0][0].seed)
            loss = objective.loss(objective.embed(self.model, batches[0][1]))
            self._propagate(loss)
            return float(loss.detach())
        parts = []
        for micro, batch in batches:
            seed_everything(micro.seed)
            with torch.no_grad():
                embedded = objective.embed(self.model, batch)
            parts.append({name: value[:0] if micro.placeholder else value for name, value in embedded.items()})
        gather = self._gather if processes > 1 else None
        step_loss, gradients = embedding_gradients(objective, parts, gather, self.accelerator.process_index)
        for number, (micro, batch) in enumerate(batches):
            seed_everything(micro.seed)  # the same dropout as in the first pass
            with self._synchronised(last=number == len(batches) - 1):
                embedded = objective.embed(self.model, batch)
                kept = {name: value[:0] if micro.placeholder else value for name, value in embedded.items()}
                self._propagate(surrogate(kept, gradients[number]) * processes)
        return float(step_loss)

    def _propagate(self, loss: torch.Tensor) -> None:
        # Without a scaler accelerate only calls `backward`, after looking for optional packages on disk.
        loss.backward() if self.accelerator.scaler is None else self.accelerator.backward(loss)

    def _synchronised(self, *, last: bool) -> AbstractContextManager[None]:
        """Gradients are averaged over processes after the last micro-batch only."""
        found: AbstractContextManager[None] = nullcontext() if last else self.accelerator.no_sync(self.model)
        return found

    def _sum_over_processes(self, value: float) -> float:
        if self.accelerator.num_processes == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.accelerator.device)
        return float(self.accelerator.reduce(tensor, "sum"))

    def _gather(self, own: torch.Tensor) -> Sequence[torch.Tensor]:
        """Tensors of all processes, in order; their lengths may differ."""
        lengths = self.accelerator.gather(torch.tensor([len(own)], device=own.device)).tolist()
        longest = max(lengths)
        padded = torch.cat([own, own.new_zeros(longest - len(own), *own.shape[1:])])
        gathered: torch.Tensor = self.accelerator.gather(padded)
        return [part[:length] for part, length in zip(gathered.split(longest), lengths, strict=True)]

    def validate_and_save(self) -> None:
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
        """Measure the validation examples; every process measures all of them, so that metrics need no reduction."""
        self.model.eval()
        batches, name = self.validation.all(self.config.batch_size), self.config.selection_metric
        metrics = measure(self.plain, batches, self.objective, self.accelerator.device)
        if name not in metrics:
            raise unknown_name("metric", name, list(metrics))
        self._note("validation", metrics)
        min_delta = self.config.early_stopping.min_delta if self.config.early_stopping else 0.0
        if is_better(name, metrics[name], self.best, min_delta):
            self.best, self.best_step, self.waited = metrics[name], self.step, 0
            self._keep_weights()
        else:
            self.waited += 1

    def _keep_weights(self) -> None:
        if self.folder is None:
            self.best_weights = {name: value.detach().clone() for name, value in self.plain.state_dict().items()}
        elif self.accelerator.is_main_process:
            save_weights(self.folder / "best.safetensors", self.plain)

    def finish(self) -> Fitted:
        """Load the best weights and write the metrics of the run."""
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

    def _note(self, split: str, metrics: Mapping[str, float]) -> None:
        epoch = self.step / self.order.steps
        self.rows += [MetricRow(self.step, epoch, split, name, float(value)) for name, value in metrics.items()]

    def _not_finite(self, what: str, value: float, micro_batches: list[tuple[MicroBatch, Batch]]) -> AlciatoError:
        names = [str(name) for _, batch in micro_batches for name in batch.get("ids", ())][:8]
        return AlciatoError(
            f"the {what} became {value} at step {self.step + 1} of {self.steps}"
            + (f" (examples {', '.join(names)}, …)." if names else "."),
            remedy="Lower `learning_rate`, raise `warmup_ratio`, set `max_grad_norm` to 1, use float32, or look for "
            "NaN in these examples.",
        )


def measure(
    model: torch.nn.Module,
    batches: Iterable[Batch],
    objective: Objective | CoupledObjective,
    device: torch.device | None = None,
) -> dict[str, float]:
    """Compute the metrics of a model, without gradients and in evaluation mode."""
    place = device or next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    model.eval()
    with torch.inference_mode():
        return objective.measure(model, (send_to_device(batch, place) for batch in batches))


def _accelerator(config: TrainingConfig) -> Accelerator:
    if config.precision == "float16" and (config.device == "cpu" or not torch.cuda.is_available()):
        raise UsageError("float16 needs a GPU.", remedy="Use bfloat16 or float32.")
    available = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if config.device in available and not available[config.device]():
        raise UsageError(f"there is no {config.device} device.", remedy="Use `auto` or `cpu`.")
    # accelerate keeps the first precision and device of a process; a second trainer may want others.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())  # there is no public way
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # modules of missing modalities get no gradient
    return Accelerator(
        mixed_precision=_PRECISIONS[config.precision], cpu=config.device == "cpu", kwargs_handlers=[unused]
    )


def _groups(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameter groups: weight decay for matrices, none for biases and norms."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise UsageError("no parameter of the model is trained.", remedy="Set `requires_grad` of some.")
    matrices = [parameter for parameter in trained if parameter.ndim > 1]
    vectors = [parameter for parameter in trained if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _identity(config: TrainingConfig, model: torch.nn.Module, train: int, validation: int) -> str:
    """Hash of everything that determines a run; `workers` and `device` do not."""
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    numbers = config.model_dump_json(exclude={"workers", "device", "save_every"})
    return hashlib.sha256(repr((numbers, shapes, train, validation)).encode()).hexdigest()
