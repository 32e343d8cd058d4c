"""`packaged:whisper-base`, and `hf:` where the folder is CTranslate2's: Whisper by faster-whisper."""

from __future__ import annotations

import logging
from math import exp
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from alciato.item import Finding
from alciato.models.device import chosen_device
from alciato.models.hugging_face import folder_fingerprint, need
from alciato.models.openmp import openmp
from alciato.models.resample import resample
from alciato.models.weights import Source
from alciato.settings import Settings

RATE = 16_000


def packaged_whisper(source: Source, settings: Settings) -> FasterWhisper:
    """A packaged Whisper."""
    with openmp(settings.threads):
        return FasterWhisper(source.name, source.folder, settings)


def packaged_fingerprint(source: Source, settings: Settings) -> str:
    """That of the same files as an `hf:` folder."""
    return folder_fingerprint(source.folder, settings, "faster-whisper")


class FasterWhisper:
    """A `Transcriber` of some hundred languages."""

    def __init__(self, name: str, folder: Path, settings: Settings) -> None:
        need("faster_whisper")
        from ctranslate2 import set_log_level
        from faster_whisper import WhisperModel

        set_log_level(logging.ERROR)  # it warns of each model in half precision that a CPU runs in single

        device, _, number = chosen_device(settings.device, ctranslate2_devices()).partition(":")
        self._model = WhisperModel(
            str(folder),
            device=device,
            device_index=int(number or 0),
            compute_type="default" if settings.dtype == "auto" else settings.dtype,
            cpu_threads=settings.threads or 0,
            local_files_only=True,
        )
        self.name, self._lock = name, Lock()
        self.fingerprint = folder_fingerprint(folder, settings, "faster-whisper")

    def transcribe(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give segments with `text`, `start`, `end` and the mean probability of the tokens as `confidence`."""
        sound = resample(samples, rate, RATE)
        if sound.size == 0:
            return []
        last = sound.size / RATE  # it hears windows of 30 s and may place words in the silence that fills the last
        with self._lock:
            found = list(self._model.transcribe(sound, temperature=0.0)[0])
        return [
            Finding(
                text=segment.text.strip(),
                start=min(max(0.0, segment.start), last),
                end=min(max(0.0, segment.end), last),
                confidence=min(1.0, exp(segment.avg_logprob)),
            )
            for segment in found
            if segment.text.strip()
        ]


def ctranslate2_devices() -> list[str]:
    """The devices that CTranslate2 finds, best first."""
    from ctranslate2 import get_cuda_device_count

    return [*(f"cuda:{number}" for number in range(get_cuda_device_count())), "cpu"]
