from difflib import SequenceMatcher

import numpy as np
import pytest

from alciato.models import Runtime, Transcriber, VoiceActivity, voice_activity
from alciato.models.pocketsphinx import _cut
from alciato.models.resample import resample
from alciato.models.silero import RATE, WINDOW, speech_spans
from model_samples import speak

SENTENCES = [
    "the robot walked to the moon and saw the captain",
    "good morning everybody today we read the news about cats and dogs",
    "please open the door and bring me a cup of coffee",
    "we will travel to the moon next summer",
    "this is a recording about the history of the telescope",
    "my friends like to drink tea in the afternoon",
]


@pytest.fixture(scope="session")
def transcriber(settings):
    return Runtime(settings).load("packaged:pocketsphinx", Transcriber)


@pytest.fixture(scope="session")
def two_sentences():
    """One second of silence, a sentence, two of silence, a sentence; where the words are, in seconds."""
    first, rate = speak("please open the door")
    second, _ = speak("the weather is very nice today")
    sound = np.concatenate([np.zeros(rate), first, np.zeros(2 * rate), second]).astype(np.float32)
    border = 1 + len(first) / rate
    return sound, rate, [(1, border), (border + 2, len(sound) / rate)]


def test_voice_is_found_where_it_is(settings, two_sentences):
    sound, rate, wanted = two_sentences
    spans = voice_activity(sound, rate, Runtime(settings))
    assert len(spans) == 2
    for span, (start, end) in zip(spans, wanted, strict=True):
        assert span.start == pytest.approx(start, abs=0.4)
        assert span.end == pytest.approx(end, abs=0.6)
        assert 0.5 < span.confidence <= 1


@pytest.mark.parametrize("kind", ["silence", "tone", "noise", "empty", "one", "nan"])
def test_what_is_no_voice_has_no_words(settings, transcriber, kind):
    random = np.random.default_rng(1)
    sound = {
        "silence": np.zeros(32_000),
        "tone": np.sin(np.arange(32_000) * 0.2),
        "noise": random.normal(0, 0.1, 32_000),
        "empty": np.zeros(0),
        "one": np.ones(1),
        "nan": np.full(16_000, np.nan),
    }[kind].astype(np.float32)
    assert Runtime(settings).load("packaged:silero-vad", VoiceActivity).spans(sound, 16_000) == []
    assert transcriber.transcribe(sound, 16_000) == []


def test_spans_by_hand():
    """Opens at 0.5, survives a short dip, closes after 0.3 s below 0.35; a single window is too short."""
    step = WINDOW / RATE
    probabilities = np.array([0] * 10 + [0.9] * 10 + [0.1] * 3 + [0.9] * 5 + [0] * 30 + [0.6] + [0] * 20, float)
    (span,) = speech_spans(probabilities, len(probabilities) * step)
    assert span.start == pytest.approx(10 * step - 0.1)
    assert span.end == pytest.approx(28 * step + 0.1)


@pytest.mark.slow
def test_segments_lie_where_the_words_are(transcriber, two_sentences):
    sound, rate, wanted = two_sentences
    segments = transcriber.transcribe(sound, rate)
    assert len(segments) == 2
    for segment, (start, end) in zip(segments, wanted, strict=True):
        assert start - 0.2 <= segment.start < segment.end <= end + 0.2
        assert 0 <= segment.confidence <= 1


@pytest.mark.slow
def test_half_of_the_words_are_heard(transcriber):
    """eSpeak's voice is not a person's: the recogniser is held to what it does with it, 0.72 when measured."""
    heard = spoken = 0
    for sentence in SENTENCES:
        words = " ".join(segment.text for segment in transcriber.transcribe(*speak(sentence))).split()
        heard += sum(
            block.size for block in SequenceMatcher(None, sentence.split(), words, False).get_matching_blocks()
        )
        spoken += len(sentence.split())
    assert heard / spoken >= 0.5


@pytest.mark.slow
def test_words_are_in_order_and_inside_their_segment(transcriber, two_sentences):
    sound, rate, _ = two_sentences
    words = transcriber.words(sound, rate)
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert " ".join(word.text for word in words) == " ".join(s.text for s in transcriber.transcribe(sound, rate))


@pytest.mark.slow
def test_what_was_heard_before_changes_nothing(transcriber):
    sound, rate = speak(SENTENCES[0])
    first = transcriber.transcribe(sound, rate)
    other, _ = speak(SENTENCES[2])
    transcriber.transcribe(other, rate)
    assert transcriber.transcribe(sound, rate) == first


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_duration_and_pitch(rate):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate * 2) / rate).astype(np.float32)
    again = resample(tone, rate, 16_000)
    assert len(again) == pytest.approx(32_000, abs=32)
    spectrum = np.abs(np.fft.rfft(again[:32_000]))
    assert spectrum.argmax() / 2 == pytest.approx(440, abs=1)


def test_long_speech_is_cut_into_equal_pieces():
    pieces = _cut(10.0, 100.0)
    assert [round(end - start) for start, end in pieces] == [30, 30, 30]
    assert pieces[0][0] == 10
    assert pieces[-1][1] == 100
