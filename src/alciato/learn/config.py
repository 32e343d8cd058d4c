"""Hyperparameters of training: one typed, frozen configuration that is saved beside the trained model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class EarlyStopping(BaseModel):
    """Early stopping: training ends when `metric` has not improved for `patience` validations."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    metric: str = Field("loss", min_length=1, description="a metric that the objective measures")
    patience: int = Field(5, ge=1, description="validations without improvement")
    min_delta: float = Field(0.0, ge=0, description="smallest change that counts as improvement")


class TrainingConfig(BaseModel):
    """Everything that training depends on, apart from the model and the data.

    `batch_size` is the number of examples of one optimiser step, for any number of processes and of
    `gradient_accumulation_steps`: both only divide the batch, so they change memory and speed, not the mathematics.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    seed: int = Field(0, ge=0, lt=2**31)
    epochs: int = Field(10, ge=1, description="passes over the training examples")
    steps: int | None = Field(None, ge=1, description="number of optimiser steps, instead of `epochs`")
    batch_size: int = Field(32, ge=1, description="examples of one optimiser step")
    gradient_accumulation_steps: int = Field(1, ge=1, description="micro-batches of one optimiser step")
    learning_rate: float = Field(1e-3, gt=0, description="at the end of the warm-up")
    min_learning_rate_ratio: float = Field(0.0, ge=0, le=1, description="final share of `learning_rate`")
    warmup_ratio: float = Field(0.05, ge=0, lt=1, description="share of the steps with a rising learning rate")
    weight_decay: float = Field(0.01, ge=0, description="of matrices; vectors (biases, norms) are not decayed")
    betas: tuple[float, float] = Field((0.9, 0.999), description="of AdamW")
    max_grad_norm: float | None = Field(1.0, gt=0, description="gradient clipping; None: no clipping")
    precision: Literal["float32", "bfloat16", "float16"] = Field("float32", description="of the forward pass")
    early_stopping: EarlyStopping | None = Field(None, description="needs validation examples")
    best_metric: str = Field("loss", min_length=1, description="selects the best weights, without early stopping")
    validate_every: int | None = Field(None, ge=1, description="steps between validations; None: once an epoch")
    save_every: int | None = Field(None, ge=1, description="steps between checkpoints; None: no checkpoints")
    workers: int = Field(0, ge=0, le=64, description="processes that prepare batches")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: a GPU where there is one")

    @model_validator(mode="after")
    def _check_micro_batches(self) -> Self:
        if self.gradient_accumulation_steps > self.batch_size:
            message = (
                f"gradient_accumulation_steps is {self.gradient_accumulation_steps}, "
                f"but a batch has only {self.batch_size} examples"
            )
            raise ValueError(message)
        return self

    @property
    def selection_metric(self) -> str:
        """Name of the metric that selects the best weights."""
        return self.early_stopping.metric if self.early_stopping else self.best_metric
