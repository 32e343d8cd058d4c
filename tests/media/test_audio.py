"""Sound comes out mono, 16 kHz, float32, in bounded chunks."""

import numpy as np
import pytest

from alciato.errors import BadMedia
from alciato.media.audio import CHUNK, SOUND_RATE, quietest, sound, stretches
from alciato.settings import Limits
from media_samples import clip, wav


def loudest_frequency(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.fft.rfftfreq(len(samples), 1 / SOUND_RATE)[spectrum.argmax()]


@pytest.mark.parametrize("form", ["mp4", "webm", "mp3", "ogg", "flac"])
def test_every_container_gives_its_tone(form):
    samples = np.concatenate(list(sound(clip(form, seed=3, seconds=1.5), Limits())))
    assert samples.dtype == np.float32
    assert len(samples) / SOUND_RATE == pytest.approx(1.5, abs=0.15)
    assert loudest_frequency(samples) == pytest.approx(280, abs=3)
    assert np.abs(samples).max() <= 1


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_every_rate_becomes_16_khz(rate):
    samples = np.concatenate(list(sound(wav(seconds=1.0, rate=rate), Limits())))
    assert len(samples) == pytest.approx(SOUND_RATE, abs=40)
    assert loudest_frequency(samples) == pytest.approx(220, abs=3)


def test_chunks_are_bounded_and_nothing_is_lost():
    lengths = [len(chunk) for chunk in sound(wav(seconds=25.0), Limits())]
    assert lengths == [CHUNK * SOUND_RATE, CHUNK * SOUND_RATE, 5 * SOUND_RATE]


def test_beyond_the_limit_nothing_is_decoded():
    assert sum(map(len, sound(wav(seconds=25.0), Limits(seconds=12)))) == 12 * SOUND_RATE


def test_a_silent_clip_has_no_sound():
    assert list(sound(clip("mp4", sound=False), Limits())) == []


def test_what_is_broken_says_so():
    with pytest.raises(BadMedia, match="cannot be decoded"):
        list(sound(b"RIFF1234WAVE", Limits()))


def test_stretches_are_cut_where_it_is_quiet_and_lose_nothing():
    samples = np.random.default_rng(0).uniform(-1, 1, 150 * SOUND_RATE).astype(np.float32)
    for second in (50, 95, 140):
        samples[second * SOUND_RATE : (second + 1) * SOUND_RATE] = 0
    chunks = (samples[start : start + 10 * SOUND_RATE] for start in range(0, len(samples), 10 * SOUND_RATE))
    cut = list(stretches(chunks))
    assert np.array_equal(np.concatenate([part for _, part in cut]), samples)
    assert [int(start) for start, _ in cut] == [0, 50, 95]
    assert all(len(part) <= 60 * SOUND_RATE for _, part in cut)


def test_the_quietest_moment_is_found():
    samples = np.ones(SOUND_RATE * 4, np.float32)
    samples[SOUND_RATE * 3 : SOUND_RATE * 3 + SOUND_RATE // 5] = 0
    assert SOUND_RATE * 3 <= quietest(samples, SOUND_RATE * 2) <= SOUND_RATE * 3 + SOUND_RATE // 5
