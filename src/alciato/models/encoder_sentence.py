"""`hf:` as an `Encoder` of texts: any sentence-transformers model, its own prompts for queries and documents.

A text gives the same vector alone and in a batch but for the last bits of float32 (padding changes the order of
sums): at most 1e-5 in any component, tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from alciato.errors import UsageError
from alciato.models.hugging_face import folder_fingerprint, need, prepare_torch
from alciato.models.protocols import Picture, Role, Vectors
from alciato.settings import Settings

AT_ONCE = 32


class SentenceEncoder:
    """An `Encoder` of texts by sentence-transformers."""

    modalities = frozenset({"text"})

    def __init__(self, name: str, folder: Path, settings: Settings) -> None:
        need("sentence_transformers")
        from sentence_transformers import SentenceTransformer

        prepare_torch(settings)
        self._model = SentenceTransformer(
            str(folder), trust_remote_code=False, local_files_only=True, model_kwargs={"use_safetensors": True}
        )
        self.name = name
        self.fingerprint = folder_fingerprint(folder, settings, "sentence-transformers")
        self.dimension = int(self._model.encode_document("dimension").shape[-1])
        self._lock = Lock()

    def encode(self, inputs: Sequence[str | Picture], role: Role = "document") -> Vectors:
        """Give one vector for each text, shape (inputs, dimension), float32, length 1."""
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) < len(inputs):
            raise UsageError(f"{self.name} encodes texts, not pictures.")
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        with self._lock:
            vectors = encode(texts, batch_size=AT_ONCE, show_progress_bar=False, normalize_embeddings=True)
        return np.asarray(vectors, np.float32)
