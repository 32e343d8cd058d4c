"""Text to speech: eSpeak NG, called through its shared library (`espeakng-loader`).

The library seeds its noise from the clock, and keeps the phase of its oscillators from one sentence to the next,
so that the same words never give the same samples twice. Each call therefore runs in a process of its own, with
a seed of ours, where they do.

The voice with the variant `f2` is the one of eSpeak's that the packaged recogniser (pocketsphinx, trained on
people) follows best; even so it mishears a part of the words, and the demo says how many.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alciato.errors import ModelError

SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: samples go to the callback, the call returns when all are there
UTF8 = 1
SPEED, PITCH = 1, 3  # espeak_PARAMETER: words a minute; 0..100
SEED = 1  # of the noise in voiceless sounds
UNKNOWN_VOICE = 4
"""Exit status of the process for a voice that is not there."""

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, voice: str = "en-us+f2", *, speed: int = 130, pitch: int = 50) -> tuple[NDArray[np.float32], int]:
    """Speak the text. Give samples (n,) in -1..1 and their rate in Hz; `speed` in words a minute, pitch 0..100.

    The same arguments give the same samples. Raises `ModelError` for a voice that eSpeak NG does not have.
    """
    command = [sys.executable, "-m", "alciato.world.voice", voice, str(speed), str(pitch)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)  # noqa: S603 -- our own module
    if done.returncode == UNKNOWN_VOICE:
        raise ModelError(f"eSpeak NG has no voice {voice!r}.", remedy="Name a language such as en-us, de or es.")
    if done.returncode != 0:
        raise ModelError(f"eSpeak NG did not speak: {done.stderr.decode(errors='replace').strip()[-300:]}")
    rate = int.from_bytes(done.stdout[:4], "little")
    samples = np.frombuffer(done.stdout, dtype="<i2", offset=4)
    return samples.astype(np.float32) / np.float32(32768), rate


def _main() -> int:
    """Speak what comes on standard input: the rate (4 bytes), then samples of 16 bit, on standard output."""
    voice, speed, pitch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    library, rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return UNKNOWN_VOICE
    library.espeak_SetParameter(SPEED, speed, 0)
    library.espeak_SetParameter(PITCH, pitch, 0)
    sys.stdout.buffer.write(rate.to_bytes(4, "little") + _samples(library, sys.stdin.buffer.read()))
    return 0


def _samples(library: Any, text: bytes) -> bytes:
    pieces: list[bytes] = []

    def collect(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    data = text + b"\0"
    library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, UTF8, None, None)
    library.espeak_Synchronize()
    return b"".join(pieces)


def _library() -> tuple[Any, int]:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        message = f"no voices in {espeakng_loader.get_data_path()}"
        raise ModelError(message)
    library.espeak_ng_SetRandSeed(SEED)
    return library, rate


if __name__ == "__main__":
    sys.exit(_main())
