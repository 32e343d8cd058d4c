"""`hf:` as an `Encoder` of words and pictures in one space: CLIP, SigLIP and their kin, through transformers.

Each tower gives one vector; cosine compares a picture with words. Texts are padded to the model's full length, as
SigLIP was trained, so that a text's vector does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from alciato.errors import ModelError, UsageError
from alciato.models.device import device_for, dtype_for, moved
from alciato.models.hugging_face import folder_fingerprint, need
from alciato.models.protocols import Embeddings, EncoderInput, Picture, Role, Vectors
from alciato.settings import Settings

AT_ONCE = 16


class DualEncoder:
    """An `Encoder` of texts and pictures."""

    modalities = frozenset({"text", "image"})

    def __init__(self, name: str, folder: Path, settings: Settings) -> None:
        need("torch", "transformers")
        from transformers import AutoModel, AutoProcessor

        device = device_for(settings)
        model = AutoModel.from_pretrained(
            str(folder), use_safetensors=True, local_files_only=True, dtype=dtype_for(settings, device)
        )
        self._model = model.to(device).eval()
        if not hasattr(self._model, "get_image_features"):
            raise ModelError(f"{name} is a {type(self._model).__name__}, which has no towers for words and pictures.")
        self._processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        self._length = int(self._model.config.text_config.max_position_embeddings)
        self.name = name
        self.fingerprint = folder_fingerprint(folder, settings, "transformers")
        self._lock = Lock()
        self.dimension = int(self._vectors(["dimension"]).shape[1])

    def encode(
        self, inputs: Sequence[EncoderInput], *, role: Role = "document", instruction: str | None = None
    ) -> Embeddings:
        """Give one vector for each text or picture, (inputs, dimension). Raises `UsageError` on items."""
        del role  # the towers know no roles
        if instruction is not None or any(isinstance(one, tuple) for one in inputs):
            raise UsageError(
                f"{self.name} takes single texts and pictures, and no instruction.",
                remedy="Name an encoder of whole items, or one trained with instructions.",
            )
        vectors = np.zeros((len(inputs), self.dimension), np.float32)
        for is_text in (True, False):
            places = [place for place, given in enumerate(inputs) if isinstance(given, str) is is_text]
            for start in range(0, len(places), AT_ONCE):
                batch = places[start : start + AT_ONCE]
                vectors[batch] = self._vectors([inputs[place] for place in batch])
        return Embeddings(vectors)

    def _vectors(self, inputs: Sequence[Any]) -> Vectors:
        """Vectors of a batch of one modality, (batch, dimension)."""
        import torch

        with self._lock, torch.inference_mode():
            if isinstance(inputs[0], str):
                given = self._processor(
                    text=[text or " " for text in inputs],
                    padding="max_length",
                    truncation=True,
                    max_length=self._length,
                    return_tensors="pt",
                )
                features = self._model.get_text_features(**moved(given, self._model))
            else:
                given = self._processor(images=[_upright(picture) for picture in inputs], return_tensors="pt")
                features = self._model.get_image_features(**moved(given, self._model))
            features = getattr(features, "pooler_output", features)  # transformers 5 wraps the tensor
            vectors = torch.nn.functional.normalize(features.float(), dim=-1)
        return np.asarray(vectors.cpu().numpy(), np.float32)


def _upright(picture: Picture) -> Picture:
    """RGB, and not thinner than three pixels: of one or three rows, the libraries cannot tell rows from channels."""
    picture = picture.convert("RGB")
    width, height = max(4, picture.width), max(4, picture.height)
    return picture if (width, height) == picture.size else picture.resize((width, height))
