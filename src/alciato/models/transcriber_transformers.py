"""`hf:` as a `Transcriber`: Whisper and its kin, through transformers' pipeline for speech."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alciato.errors import ModelError
from alciato.item import Finding
from alciato.models.device import device_for, dtype_for
from alciato.models.hugging_face import folder_fingerprint, need
from alciato.models.resample import resample
from alciato.settings import Settings

CHUNK = 30.0  # seconds that Whisper hears at a time


class TransformersTranscriber:
    """A `Transcriber` of whatever languages the model knows."""

    def __init__(self, name: str, folder: Path, settings: Settings) -> None:
        need("torch", "transformers")
        from transformers import pipeline

        device = device_for(settings)
        self._pipeline = pipeline(
            "automatic-speech-recognition",
            model=str(folder),
            chunk_length_s=CHUNK,
            device=device,
            dtype=dtype_for(settings, device),
            model_kwargs={"use_safetensors": True},
        )
        # Whisper was taught to tell times; of other models the text is one segment.
        self._times = hasattr(self._pipeline.model.generation_config, "no_timestamps_token_id")
        self._rate = int(self._pipeline.feature_extractor.sampling_rate)
        self.name, self._lock = name, Lock()
        self.fingerprint = folder_fingerprint(folder, settings, "transformers")

    def transcribe(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give segments with `text`, `start`, `end`; the pipeline tells no confidence."""
        sound = resample(samples, rate, self._rate)
        if len(sound) < self._rate // 100:
            return []
        try:
            with self._lock:
                found = self._pipeline({"raw": sound, "sampling_rate": self._rate}, return_timestamps=self._times)
        except (ValueError, RuntimeError, IndexError) as error:
            raise ModelError(f"{self.name} could not transcribe: {error}") from error
        whole = [{"text": found["text"], "timestamp": (0.0, None)}]
        return segments(found.get("chunks") or whole, len(sound) / self._rate)


def segments(chunks: list[dict[str, Any]], duration: float) -> list[Finding]:
    """The pipeline's chunks as findings; a time that the model left open is the recording's end."""
    kept = [(chunk["text"].strip(), *chunk["timestamp"]) for chunk in chunks if chunk["text"].strip()]
    return [
        Finding(text=text, start=max(0.0, start or 0.0), end=duration if end is None else max(0.0, end))
        for text, start, end in kept
    ]
