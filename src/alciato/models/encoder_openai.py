"""`openai:MODEL@BASE_URL` as an `Encoder`: text vectors of any server with `/embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np

from alciato.errors import ModelError, UsageError
from alciato.models.calls import Meter, WaitCallback, log_wait, retried
from alciato.models.chat_openai import usage_of
from alciato.models.encoder_sentence import prompt_with
from alciato.models.endpoint import Endpoint
from alciato.models.protocols import Embeddings, EncoderInput, Role, Vectors
from alciato.models.replies import EmbeddingsReply
from alciato.settings import Calls

AT_ONCE = 64  # texts in one call


class EncoderOpenAI:
    """An `Encoder` of texts. The server's model decides the dimension; asking for it makes one call."""

    modalities = frozenset({"text"})

    def __init__(self, model: str, endpoint: Endpoint, calls: Calls, *, on_wait: WaitCallback = log_wait) -> None:
        self.name = f"openai:{model}@{endpoint.where}"
        self.fingerprint = f"{model}@{endpoint.where}"
        self.meter = Meter()
        self._model, self._endpoint, self._calls, self._on_wait = model, endpoint, calls, on_wait
        self._dimension: int | None = None
        self._lock = Lock()  # guards the dimension

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._dimension or int(self._vectors(["dimension"]).shape[1])

    def encode(
        self, inputs: Sequence[EncoderInput], *, role: Role = "document", instruction: str | None = None
    ) -> Embeddings:
        """Give one vector for each text, (inputs, dimension). Role changes nothing: the protocol has no roles."""
        before = "" if instruction is None else prompt_with(instruction, None)
        del role
        texts = list(inputs)
        if any(not isinstance(text, str) for text in texts):
            raise UsageError(f"{self.name} encodes texts, not pictures.")
        starts = range(0, len(texts), AT_ONCE)
        pieces = [self._vectors([f"{before}{text}" for text in texts[i : i + AT_ONCE]]) for i in starts]
        return Embeddings(np.concatenate(pieces) if pieces else np.zeros((0, self.dimension), np.float32))

    def _vectors(self, texts: list[str]) -> Vectors:
        # Servers refuse an empty text; a space is as empty as they take.
        body = {"model": self._model, "input": [text or " " for text in texts], "encoding_format": "float"}
        reply = retried(lambda: self._endpoint.post("/embeddings", body, EmbeddingsReply), self._calls, self._on_wait)
        self.meter.add(usage_of(reply.usage))
        if len(reply.data) != len(texts):
            raise ModelError(f"{len(texts)} texts gave {len(reply.data)} vectors.", where=self._endpoint.where)
        vectors = np.array([row.embedding for row in reply.data], np.float64)
        self._check_dimension(vectors.shape[1])
        vectors /= np.abs(vectors).max(axis=1, keepdims=True)  # so that no square overflows
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def _check_dimension(self, found: int) -> None:
        """Raise `ModelError` where the server's vectors are of another length than they were before."""
        with self._lock:
            self._dimension = self._dimension or found
            if found != self._dimension:
                raise ModelError(
                    f"the server's vectors have {found} numbers; before they had {self._dimension}.",
                    where=self._endpoint.where,
                    remedy="The server runs another model now: name it, and encode again.",
                )
