"""How a part is trained: every number in one typed, frozen configuration, saved beside what it made."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Stop(BaseModel):
    """Early stopping: training ends when `metric` has not improved for `patience` validations."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    metric: str = Field("loss", min_length=1, description="a figure that the objective measures")
    patience: int = Field(5, ge=1, description="validations without improvement")
    least: float = Field(0.0, ge=0, description="change that counts as improvement")


class TrainingConfig(BaseModel):
    """Everything that training depends on, apart from the model and the data.

    `batch` counts the examples of one optimiser step, whatever the number of processes and of `accumulation`:
    both only divide it, so that they change memory and speed, not the mathematics.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    seed: int = Field(0, ge=0, lt=2**31)
    epochs: int = Field(10, ge=1, description="passes over the training examples")
    steps: int | None = Field(None, ge=1, description="optimiser steps at most, instead of `epochs`")
    batch: int = Field(32, ge=1, description="examples of one optimiser step")
    accumulation: int = Field(1, ge=1, description="pieces that a step is computed in")
    rate: float = Field(1e-3, gt=0, description="learning rate at the end of warm-up")
    last_rate: float = Field(0.0, ge=0, le=1, description="share of `rate` that the cosine ends at")
    warm_up: float = Field(0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    weight_decay: float = Field(0.01, ge=0, description="of matrices; vectors (biases, norms) are not decayed")
    betas: tuple[float, float] = Field((0.9, 0.999), description="of AdamW")
    clip: float | None = Field(1.0, gt=0, description="largest norm of the gradient; None: not clipped")
    precision: Literal["float32", "bfloat16", "float16"] = Field("float32", description="of the forward pass")
    stop: Stop | None = Field(None, description="early stopping; needs validation examples")
    keep: str = Field("loss", min_length=1, description="figure whose best weights are kept, if `stop` names none")
    validate_every: int | None = Field(None, ge=1, description="steps between validations; None: once an epoch")
    save_every: int | None = Field(None, ge=1, description="steps between checkpoints; None: none are written")
    workers: int = Field(0, ge=0, le=64, description="processes that prepare batches")
    device: Literal["auto", "cpu"] = "auto"

    @model_validator(mode="after")
    def _check_pieces(self) -> Self:
        if self.accumulation > self.batch:
            message = f"accumulation is {self.accumulation}, but a batch has only {self.batch} examples"
            raise ValueError(message)
        return self

    @property
    def kept(self) -> str:
        """Name of the figure that decides which weights are the best."""
        return self.stop.metric if self.stop else self.keep
