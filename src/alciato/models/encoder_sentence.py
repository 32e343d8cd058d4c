"""`hf:` as an `Encoder` of texts: any sentence-transformers model, its own prompts for queries and documents.

A text gives the same vector alone and in a batch but for the last bits of float32 (padding changes the order of
sums): at most 1e-5 in any component, tested.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from alciato.errors import UsageError
from alciato.models.device import device_for, dtype_for
from alciato.models.hugging_face import folder_fingerprint, need
from alciato.models.protocols import Embeddings, EncoderInput, Role
from alciato.settings import Settings

AT_ONCE = 32


class SentenceEncoder:
    """An `Encoder` of texts by sentence-transformers."""

    modalities = frozenset({"text"})

    def __init__(self, name: str, folder: Path, settings: Settings) -> None:
        need("sentence_transformers")
        from sentence_transformers import SentenceTransformer

        device = device_for(settings)
        dtype = dtype_for(settings, device)
        self._model = SentenceTransformer(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True, "dtype": dtype},
        )
        # Modules after the transformer, such as Dense, are saved in a type of their own.
        self._model.to(next(self._model.parameters()).dtype)
        self.name = name
        self.fingerprint = folder_fingerprint(folder, settings, "sentence-transformers")
        self.dimension = int(self._model.encode_document("dimension").shape[-1])
        self._lock = Lock()

    def encode(
        self, inputs: Sequence[EncoderInput], *, role: Role = "document", instruction: str | None = None
    ) -> Embeddings:
        """Give one vector for each text, (inputs, dimension). Raises `UsageError` on pictures and items."""
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) < len(inputs):
            raise UsageError(f"{self.name} encodes texts, not pictures.")
        if not texts:
            return Embeddings(np.zeros((0, self.dimension), np.float32))
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        prompt = None if instruction is None else prompt_with(instruction, self._model.prompts.get(role))
        with self._lock:
            vectors = encode(texts, prompt=prompt, batch_size=AT_ONCE, show_progress_bar=False, convert_to_tensor=True)
        # Length 1 in float32, whatever the type of the weights.
        vectors = vectors.float().cpu().numpy()
        return Embeddings(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def prompt_with(instruction: str, prompt: str | None) -> str:
    """The text set before an input. Where the model's own prompt holds an instruction, this one replaces it.

    The convention of E5-Mistral and Qwen3-Embedding: `Instruct: INSTRUCTION`, and on the next line `Query: TEXT`.
    """
    own = re.fullmatch(r"(Instruct: ).*?(\n.*)", prompt or "", re.DOTALL)
    return f"{own[1]}{instruction}{own[2]}" if own else f"Instruct: {instruction}\nQuery: "
