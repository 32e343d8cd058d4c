"""What a model must do to be plugged in: a few small protocols that every member can keep.

A model is named by one string, `scheme:rest`, and gotten with `alciato.models.load(name, kind)`.
`name` is that string; `fingerprint` changes whenever the same input could give another output
(weights, preprocessing, library): it is stored beside whatever the model made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from pydantic import BaseModel

from alciato.item import Finding

Picture = Pictures.Image
"""A decoded picture, RGB, turned upright."""
Vectors = NDArray[np.float32]
Role = Literal["query", "document"]
AnyModel = TypeVar("AnyModel", bound=BaseModel)


@runtime_checkable
class Model(Protocol):
    """What every model says of itself."""

    name: str
    fingerprint: str


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model without loading it: from pins, file headers, configurations and package metadata.

    `fingerprint` equals that of the loaded model. `dimension` is None for models that are no encoders, and for servers
    that have not been asked yet. `size_bytes` is that of the weights, 0 where another machine holds them.
    """

    name: str
    kind: str
    fingerprint: str
    dimension: int | None = None
    modalities: frozenset[str] = frozenset()
    context_length: int | None = None
    supports_images: bool = False
    licence: str = "unknown"
    size_bytes: int = 0
    device: str = "cpu"


@runtime_checkable
class Encoder(Model, Protocol):
    """Items to vectors of unit length."""

    dimension: int
    modalities: frozenset[str]  # of "text", "image"

    def encode(self, inputs: Sequence[str | Picture], role: Role = "document") -> Vectors:
        """Give one vector for each input, shape (inputs, dimension), float32, length 1."""
        ...


@dataclass(frozen=True)
class Message:
    """One turn of a conversation: words, and pictures for models that see."""

    role: Literal["system", "user", "assistant"]
    content: str
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens that a call took. Zero where the answer came from the cache."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion)


@dataclass(frozen=True)
class Answer:
    """What a chat model said."""

    text: str
    usage: Usage = field(default_factory=Usage)
    cached: bool = False


@runtime_checkable
class Chat(Model, Protocol):
    """Messages to text, to schema-valid JSON, or to log-probabilities of given choices."""

    supports_images: bool  # takes pictures

    def generate(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Answer:
        """Give the text that follows. Raises `ModelError`."""
        ...

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give an instance of `schema`. The answer is held to it by grammar or JSON schema."""
        ...

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Give the log-probability of each choice as the next words, normalised over the choices."""
        ...


@runtime_checkable
class Ocr(Model, Protocol):
    """Pictures to lines of text."""

    def recognise(self, picture: Picture) -> list[Finding]:
        """Give the lines in reading order, each with `text`, `box` and `confidence`.

        A line that was seen but could not be read has an empty text.
        """
        ...


@runtime_checkable
class Transcriber(Model, Protocol):
    """Recordings to segments of text."""

    def transcribe(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give segments with `text`, `start`, `end`, `confidence`; samples (n,) mono, -1..1, rate in Hz."""
        ...


@runtime_checkable
class VoiceActivity(Model, Protocol):
    """Recordings to spans in which somebody speaks."""

    def spans(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give spans with `start`, `end`, `confidence`, in order; samples (n,) mono, -1..1, rate in Hz."""
        ...


@runtime_checkable
class Detector(Model, Protocol):
    """Pictures to labelled boxes."""

    def detect(self, picture: Picture) -> list[Finding]:
        """Give what is there, each with `label`, `box` and `confidence`."""
        ...


@runtime_checkable
class ImageGenerator(Model, Protocol):
    """An instruction, with pictures to go by, to a picture."""

    def paint(self, instruction: str, pictures: Sequence[Picture] = (), *, seed: int = 0) -> Picture:
        """Give one picture; the same seed gives the same picture."""
        ...
