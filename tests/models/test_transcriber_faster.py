"""Whisper through faster-whisper, of random weights: the flow, the bounds, the errors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from alciato.errors import MissingPackage, ModelError
from alciato.models import Runtime, Transcriber
from model_samples import check_described

FEW = {"layers": 1, "attention_heads": 2, "ffn_dim": 64}


END, START = "<|endoftext|>", "<|startoftranscript|>"


def whisper_words():
    """Single letters, and Whisper's special tokens in their order."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    words.pre_tokenizer, words.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tasks = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    words.add_special_tokens([END, START, *languages(), *(f"<|{task}|>" for task in tasks)])
    words.add_tokens([f"<|{step * 0.02:.2f}|>" for step in range(1501)])
    return words


def languages():
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    return [f"<|{code}|>" for code in list(LANGUAGES)[:99]]


def whisper_model(words):
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(7)
    sizes = {f"{side}_{size}": value for side in ("encoder", "decoder") for size, value in FEW.items()}
    stops = dict.fromkeys(("eos_token_id", "pad_token_id", "bos_token_id"), words.token_to_id(END))
    config = WhisperConfig(
        vocab_size=words.get_vocab_size(), d_model=32, decoder_start_token_id=words.token_to_id(START), **sizes, **stops
    )
    config.suppress_tokens, config.begin_suppress_tokens = [], []
    model = WhisperForConditionalGeneration(config)
    model.generation_config.no_timestamps_token_id = words.token_to_id("<|notimestamps|>")
    model.generation_config.lang_to_id = {language: words.token_to_id(language) for language in languages()}
    model.generation_config.alignment_heads = [[0, 0]]
    return model


@pytest.fixture(scope="module")
def faster(tmp_path_factory):
    """A Whisper in CTranslate2's form."""
    converters = pytest.importorskip("ctranslate2.converters")
    from transformers import WhisperFeatureExtractor, WhisperTokenizerFast

    folder, words = tmp_path_factory.mktemp("faster"), whisper_words()
    whisper_model(words).save_pretrained(folder / "torch")
    WhisperFeatureExtractor().save_pretrained(folder / "torch")
    ends = dict.fromkeys(("unk_token", "bos_token", "eos_token"), END)
    WhisperTokenizerFast(tokenizer_object=words, **ends).save_pretrained(folder / "torch")
    copied = ["tokenizer.json", "preprocessor_config.json"]
    converter = converters.TransformersConverter(str(folder / "torch"), copy_files=copied)
    return Path(converter.convert(str(folder / "converted")))


@pytest.mark.slow
def test_speech_through_faster_whisper(faster, settings):
    transcriber = check_described(Runtime(settings), f"hf:{faster}", Transcriber)
    assert type(transcriber).__name__ == "FasterWhisper"
    assert transcriber.transcribe(np.zeros(0, np.float32), 16_000) == []
    sound = np.random.default_rng(1).normal(0, 0.1, 22_050 * 2).astype(np.float32)
    found = transcriber.transcribe(sound, 22_050)
    assert found
    assert found == transcriber.transcribe(sound, 22_050)
    assert all(0 <= segment.start <= segment.end <= 2.01 and 0 <= segment.confidence <= 1 for segment in found)


def test_a_damaged_folder_is_an_error(settings, tmp_path):
    pytest.importorskip("faster_whisper")
    (tmp_path / "model.bin").write_bytes(b"plain table")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Runtime(settings).load(f"hf:{tmp_path}", Transcriber)


def test_without_the_package_its_extra_is_named(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("alciato.models.hugging_face.find_spec", lambda name: None if name == "faster_whisper" else 1)
    (tmp_path / "model.bin").write_bytes(b"plain table")
    with pytest.raises(MissingPackage, match=r"alciato\[speech\]"):
        Runtime(settings).load(f"hf:{tmp_path}", Transcriber)
