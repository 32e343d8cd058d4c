"""`packaged:pocketsphinx`: English speech to text with word times, by PocketSphinx's own acoustic model.

Silero first says where somebody speaks; only that is recognised, so that music and noise give no words.
It is a small recogniser of 2010's kind: it proves the flow and finds single words of clear speech, at a quarter
of real time on one core; name `hf:` with a Whisper model where words matter. Measured on eSpeak NG's voices, the
only ones a test can make: 0.72 of the words with en-us+f5, 0.25 with plain en-us.
Confidence of a word is PocketSphinx's posterior; of a segment, the mean over its words, weighed by their length.
"""

from __future__ import annotations

from itertools import pairwise
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from alciato.item import Finding
from alciato.models.packaged import locate
from alciato.models.resample import resample
from alciato.models.silero import Silero
from alciato.models.weights import Source
from alciato.settings import Settings

RATE = 16_000
FRAME = 0.01  # seconds of one frame of the recogniser
LONGEST = 30.0
"""Seconds that are recognised at a time; a longer stretch of speech is cut."""
LOUDNESS = 0.7


class PocketSphinx:
    """A `Transcriber` for English."""

    def __init__(self, source: Source, settings: Settings) -> None:
        from pocketsphinx import Config, Decoder

        self._voice = Silero(locate("silero-vad", None, settings), settings)
        self.name = source.name
        self.fingerprint = fingerprint(source, settings)
        model = source.folder / "model" / "en-us"
        config = Config(
            hmm=str(model / "en-us"),
            lm=str(model / "en-us.lm.bin"),
            dict=str(model / "cmudict-en-us.dict"),
            loglevel="FATAL",
            samprate=float(RATE),
        )
        self._decoder = Decoder(config)
        self._lock = Lock()

    def transcribe(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give one segment for each stretch of speech with words in it; `start` and `end` are those of its words."""
        return [_joined(words) for words in self._stretches(samples, rate) if words]

    def words(self, samples: NDArray[np.float32], rate: int) -> list[Finding]:
        """Give each word with `text`, `start`, `end`, `confidence`."""
        return [word for words in self._stretches(samples, rate) for word in words]

    def _stretches(self, samples: NDArray[np.float32], rate: int) -> list[list[Finding]]:
        sound = resample(samples, rate, RATE)
        spans = [cut for span in self._voice.spans(sound, RATE) for cut in _cut(span.start or 0.0, span.end or 0.0)]
        return [self._recognise(sound[round(start * RATE) : round(end * RATE)], start) for start, end in spans]

    def _recognise(self, sound: NDArray[np.float32], start: float) -> list[Finding]:
        loudest = float(np.abs(sound).max(initial=0)) or 1.0
        pulses = (sound / loudest * LOUDNESS * 32767).astype("<i2").tobytes()
        with self._lock:
            self._decoder.reinit_feat()  # else the voice heard before colours this one
            self._decoder.start_utt()
            self._decoder.process_raw(pulses, no_search=False, full_utt=True)
            self._decoder.end_utt()
            found = list(self._decoder.seg() or ())
        return [
            Finding(
                text=piece.word.split("(")[0],
                start=start + piece.start_frame * FRAME,
                end=start + (piece.end_frame + 1) * FRAME,
                confidence=float(np.clip(piece.prob, 0, 1)),
            )
            for piece in found
            if piece.word[0] not in "<["  # silence, breath and noise are no words
        ]


def fingerprint(source: Source, settings: Settings) -> str:
    """That of the recogniser and that of the voice activity detector before it."""
    return f"{source.fingerprint}+{locate('silero-vad', None, settings).fingerprint}"


def _cut(start: float, end: float) -> list[tuple[float, float]]:
    """A stretch of speech in equal pieces of at most LONGEST seconds."""
    pieces = max(1, int(np.ceil((end - start) / LONGEST)))
    borders = np.linspace(start, end, pieces + 1).tolist()
    return list(pairwise(borders))


def _joined(words: list[Finding]) -> Finding:
    lengths = np.array([len(word.text or "") for word in words], float)
    sure = np.array([word.confidence or 0.0 for word in words])
    return Finding(
        text=" ".join(word.text or "" for word in words),
        start=words[0].start,
        end=words[-1].end,
        confidence=float(np.average(sure, weights=lengths)),
    )
