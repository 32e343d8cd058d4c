"""What a model must do to be plugged in: a few small protocols that every member can keep.

A model is named by one string, `scheme:rest`, and loaded with `Runtime.load(name, kind)`.
`name` is that string; `fingerprint` changes whenever the same input could give another output
(weights, preprocessing, library): it is stored beside whatever the model made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from pydantic import BaseModel

from alciato.errors import UsageError
from alciato.item import Finding, Post, Span

Picture = Pictures.Image
"""A decoded picture, RGB, turned upright."""
Vectors = NDArray[np.float32]
Role = Literal["query", "document"]
EncoderInput = str | Picture | tuple[str | Picture, ...]
"""A text, a picture, or an item: its texts and pictures in the order of its parts."""
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


class Embeddings:
    """What an encoder gives for some inputs: one dense vector each, or several token vectors each (multi-vector).

    Dense: `dense` is (inputs, dimension). Multi-vector: `tokens` holds one array (tokens, dimension) for each input,
    and `spans` says for each token vector which part, box or time of the input it came from. All are float32, and
    every vector has length 1. `Embeddings(dense=…)` or `Embeddings(tokens=…, spans=…)`.
    """

    def __init__(
        self,
        dense: Vectors | None = None,
        *,
        tokens: Sequence[Vectors] | None = None,
        spans: Sequence[Sequence[Span]] | None = None,
    ) -> None:
        if (dense is None) == (tokens is None):
            raise ValueError("embeddings are either dense or multi-vector")
        if tokens is not None and [len(one) for one in tokens] != [len(one) for one in spans or ()]:
            raise ValueError("every token vector has one span")
        self._dense = dense
        self.tokens = None if tokens is None else tuple(tokens)
        self.spans = None if spans is None else tuple(tuple(one) for one in spans)

    @property
    def dense(self) -> Vectors:
        """One vector for each input, (inputs, dimension). Raises `UsageError` for multi-vector embeddings."""
        if self._dense is None:
            raise UsageError(
                "this encoder gives several vectors for each input.", remedy="Name an encoder that gives one."
            )
        return self._dense

    def __len__(self) -> int:
        return len(self._dense if self.tokens is None else self.tokens)  # type: ignore[arg-type]  # one of them is there


@runtime_checkable
class Encoder(Model, Protocol):
    """Texts and pictures to vectors of length 1."""

    dimension: int
    modalities: frozenset[str]  # of "text", "image"

    def encode(
        self, inputs: Sequence[EncoderInput], *, role: Role = "document", instruction: str | None = None
    ) -> Embeddings:
        """Encode inputs. The same input gives the same vectors alone and in any batch.

        Args:
            inputs: texts, pictures, or items as tuples of texts and pictures in the order of their parts.
            role: whether the inputs are queries or documents, for encoders that tell them apart.
            instruction: what the search is for, in words, for encoders that were trained with instructions.

        Raises:
            UsageError: an input, or an instruction, that this encoder does not take.
        """
        ...


@dataclass(frozen=True)
class Message:
    """One turn of a conversation. `content` is a text, or texts and pictures in the order in which they are meant."""

    role: Literal["system", "user", "assistant"]
    content: str | Sequence[str | Picture]

    @property
    def parts(self) -> tuple[str | Picture, ...]:
        """Texts and pictures in order."""
        return (self.content,) if isinstance(self.content, str) else tuple(self.content)

    @property
    def text(self) -> str:
        """All texts, joined by line ends."""
        return "\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures."""
        return tuple(part for part in self.parts if not isinstance(part, str))


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

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Iterator[str]:
        """Yield the text that follows, piece by piece where the model can. Raises `ModelError`."""
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
    """An instruction, with pictures and a layout to go by, to a post with a picture."""

    def generate(
        self, instruction: str, images: Sequence[Picture] = (), layout: Sequence[Span] = (), *, seed: int = 0
    ) -> Post:
        """Make a post whose item tells its provenance in its metadata; the same seed makes the same post.

        Args:
            instruction: what the picture shows, in words.
            images: pictures to edit, or to take subjects or style from.
            layout: what goes where: spans with a text and a box in pixels.
            seed: of all that is drawn at random.
        """
        ...
