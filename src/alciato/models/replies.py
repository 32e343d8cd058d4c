"""What a model server may answer: schemas that every reply is held to once, where it comes in.

A reply that does not fit is a `ModelError` that names the field. Numbers are finite and bounded, a log-probability is
never above 0, vectors fit into float32, and the indexes of vectors are those of the inputs. Behind this line, code
relies on it.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

ROUNDING = 1e-3
"""A log-probability may lie above 0 by this much: the server's float32."""

Count = Annotated[int, Field(ge=0, le=2**53)]
TokenId = Annotated[int, Field(ge=0, le=2**31)]
LogProbability = Annotated[
    float, Field(le=ROUNDING, allow_inf_nan=False), AfterValidator(lambda value: min(value, 0.0))
]
Component = Annotated[float, Field(ge=-3e38, le=3e38, allow_inf_nan=False)]


class TokenCounts(BaseModel):
    """Tokens as the server counts them."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None


class Alternative(BaseModel):
    """A token that could have come, and its log-probability."""

    token: str
    logprob: LogProbability


class TokenStep(Alternative):
    """The token that came, with its alternatives."""

    top_logprobs: list[Alternative] | None = None


class Steps(BaseModel):
    """Log-probabilities along an answer."""

    content: list[TokenStep] | None = None


class Said(BaseModel):
    """The message of an answer."""

    content: str | None = None


class ChatChoice(BaseModel):
    """One answer."""

    message: Said
    finish_reason: str | None = None
    logprobs: Steps | None = None


class ChatReply(BaseModel):
    """A reply of `/chat/completions`."""

    choices: list[ChatChoice] = Field(min_length=1)
    usage: TokenCounts | None = None


class Increment(BaseModel):
    """One piece of a streamed answer."""

    delta: Said


class ChatChunk(BaseModel):
    """One event of a streamed reply of `/chat/completions`. The last may hold no choice."""

    choices: list[Increment] = Field(default_factory=list)
    usage: TokenCounts | None = None


class EmbeddingRow(BaseModel):
    """The vector of one input."""

    index: int = Field(ge=0)
    embedding: list[Component] = Field(min_length=1)


class EmbeddingsReply(BaseModel):
    """A reply of `/embeddings`: rows for inputs 0, 1, 2 …, each once, all of one length, none of them zero."""

    data: list[EmbeddingRow]
    usage: TokenCounts | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self.data.sort(key=lambda row: row.index)
        if [row.index for row in self.data] != list(range(len(self.data))):
            raise ValueError("the indexes of the vectors are not 0, 1, 2 …, each once")
        if len({len(row.embedding) for row in self.data}) > 1:
            raise ValueError("the vectors have different lengths")
        if not all(any(row.embedding) for row in self.data):
            raise ValueError("a vector has the length 0")
        return self


class RenderedPrompt(BaseModel):
    """A reply of llama.cpp's `/apply-template`."""

    prompt: str


class Tokens(BaseModel):
    """A reply of llama.cpp's `/tokenize`."""

    tokens: list[TokenId]


class Detokenized(BaseModel):
    """A reply of llama.cpp's `/detokenize`."""

    content: str


class IdAlternative(BaseModel):
    """A token of llama.cpp by its number."""

    id: TokenId
    logprob: LogProbability


class ForcedStep(IdAlternative):
    """The token that was forced, with the alternatives that were asked for."""

    top_logprobs: list[IdAlternative] = Field(default_factory=list)


class Timings(BaseModel):
    """How many tokens of a prompt llama.cpp computed; the others came from its cache."""

    prompt_n: Count = 0


class Completion(BaseModel):
    """A reply of llama.cpp's `/completion`."""

    completion_probabilities: list[ForcedStep] | None = None
    timings: Timings = Field(default_factory=Timings)
