"""Cached speech at the sample rate of the tones; eSpeak NG runs in a process of its own for each sentence."""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alciato.settings import default_settings
from alciato.world.draw import stable_hash
from alciato.world.tones import RATE
from alciato.world.voice import speak


@lru_cache(maxsize=512)
def spoken(sentence: str, voice: str) -> NDArray[np.float32]:
    """Speak a sentence; samples (n,) in -1..1, `RATE` a second. Kept in the folder `speech` of the cache.

    Raises `ModelError` for a voice that eSpeak NG does not have.
    """
    folder = default_settings().cache.expanduser() / "speech"
    file = folder / f"{stable_hash('speech', 1, voice, sentence):032x}.npy"
    if file.exists():
        return np.asarray(np.load(file, allow_pickle=False), np.float32)
    samples, rate = speak(sentence, voice)
    count = int(len(samples) * RATE / rate)
    places = np.arange(count) * (rate / RATE)  # where each new sample lies among the old ones
    made: NDArray[np.float32] = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.stem}.{os.getpid()}.npy")  # whole or not at all, whoever else writes it
    np.save(beside, made, allow_pickle=False)
    beside.replace(file)
    return made
