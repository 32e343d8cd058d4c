"""`openai:MODEL@BASE_URL` as an `Encoder`: text vectors of any server with `/embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np

from alciato.errors import ModelError, UsageError
from alciato.models.calls import retried
from alciato.models.chat_openai import usage_of
from alciato.models.encoder_sentence import prompt_with
from alciato.models.endpoint import Endpoint
from alciato.models.meter import Meter
from alciato.models.protocols import Embeddings, EncoderInput, Role, Vectors
from alciato.settings import Calls

AT_ONCE = 64  # texts in one call


class EncoderOpenAI:
    """An `Encoder` of texts. The server's model decides the dimension; asking for it makes one call."""

    modalities = frozenset({"text"})

    def __init__(self, model: str, endpoint: Endpoint, calls: Calls) -> None:
        self.name = f"openai:{model}@{endpoint.where}"
        self.fingerprint = f"{model}@{endpoint.where}"
        self.meter = Meter()
        self._model, self._endpoint, self._calls = model, endpoint, calls
        self._dimension: int | None = None
        self._lock = Lock()

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        with self._lock:
            if self._dimension is None:
                self._dimension = self._vectors(["dimension"]).shape[1]
            return self._dimension

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
        document = retried(lambda: self._endpoint.post("/embeddings", body), self._calls)
        self.meter.add(usage_of(document))
        try:
            rows = sorted(document["data"], key=lambda row: row["index"])
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("the server's answer holds no vectors.", where=self._endpoint.where) from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise ModelError(f"{len(texts)} texts gave vectors {vectors.shape}.", where=self._endpoint.where)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if (lengths == 0).any():
            raise ModelError("the server gave a vector of length 0.", where=self._endpoint.where)
        return np.asarray(vectors / lengths, np.float32)
