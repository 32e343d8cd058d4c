"""Tiny networks with random weights, saved as safetensors, through the real loading code and real forward passes."""

import json
import os
import shutil
import subprocess
import sys
from math import exp

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import BaseModel

from alciato.errors import MissingPackage, ModelError, UsageError
from alciato.executor import ONE_THREAD
from alciato.models import Chat, Encoder, Message, Runtime, Transcriber
from alciato.models.device import chosen_device, dtype_for
from alciato.models.transcriber_transformers import segments
from alciato.settings import Settings
from model_samples import byte_tokenizer as tokenizer
from model_samples import check_described, check_law

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{% endif %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture(scope="module")
def dual(tmp_path_factory):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTextConfig, CLIPVisionConfig

    torch.manual_seed(3)
    folder, words = tmp_path_factory.mktemp("clip"), tokenizer(model_max_length=32)
    text = CLIPTextConfig(vocab_size=len(words), max_position_embeddings=32, eos_token_id=3, bos_token_id=2, **SIZES)
    vision = CLIPVisionConfig(image_size=32, patch_size=8, **SIZES)
    CLIPModel(
        CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=16)
    ).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(image_processor=pictures, tokenizer=words).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sentence(tmp_path_factory):
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel

    torch.manual_seed(4)
    folder, words = tmp_path_factory.mktemp("bert"), tokenizer(model_max_length=64)
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **SIZES)).save_pretrained(folder)
    words.save_pretrained(folder)
    whole = tmp_path_factory.mktemp("sentence")
    prompts = {"query": "query: ", "document": "passage: "}
    SentenceTransformer(str(folder), device="cpu", prompts=prompts).save(str(whole))
    return whole


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    folder, words = tmp_path_factory.mktemp("llama"), tokenizer(chat_template=TEMPLATE)
    LlamaForCausalLM(
        LlamaConfig(vocab_size=len(words), max_position_embeddings=2048, pad_token_id=1, eos_token_id=3, **SIZES)
    ).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(6)
    folder, words = tmp_path_factory.mktemp("llava"), tokenizer()
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=32, patch_size=8, **SIZES).to_dict(),
        text_config=LlamaConfig(vocab_size=len(words), max_position_embeddings=2048, **SIZES).to_dict(),
        image_token_id=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    LlavaProcessor(
        pictures,
        words,
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizerFast,
    )

    torch.manual_seed(7)
    folder, words = tmp_path_factory.mktemp("whisper"), tokenizer(WhisperTokenizerFast)
    config = WhisperConfig(
        vocab_size=len(words),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        decoder_start_token_id=2,
        eos_token_id=3,
        pad_token_id=1,
        bos_token_id=2,
        suppress_tokens=[],
        begin_suppress_tokens=[],
        max_target_positions=448,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config.max_new_tokens = 24  # random weights never end by themselves
    model.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def test_a_sentence_encoder_keeps_the_law(sentence, settings):
    encoder = check_described(Runtime(settings), f"hf:{sentence}", Encoder)
    assert encoder.dimension == 32
    check_law(encoder, ["the moon", "", "x" * 500, "\0", "robot ক্যাপ্টেন"], tolerance=1e-5)
    query, document = (encoder.encode(["moon"], role=role).dense for role in ("query", "document"))
    assert not np.allclose(query, document)


def test_an_instruction_changes_the_vector_of_a_query(sentence, settings):
    encoder = Runtime(settings).load(f"hf:{sentence}", Encoder)
    plain, instructed, other = (
        encoder.encode(["moon"], role="query", instruction=words).dense for words in (None, "find robots", "find cats")
    )
    assert not np.allclose(plain, instructed)
    assert not np.allclose(instructed, other)


def test_a_dual_encoder_keeps_the_law(dual, settings):
    encoder = check_described(Runtime(settings), f"hf:{dual}", Encoder)
    assert encoder.modalities == {"text", "image"}
    check_law(encoder, ["the moon", "", "x" * 500, "\0"], tolerance=1e-5)
    random = np.random.default_rng(1)
    pictures = [Image.fromarray(random.integers(0, 255, (h, w, 3), np.uint8)) for h, w in ((40, 60), (1, 1), (3, 300))]
    check_law(encoder, pictures, tolerance=1e-5)
    check_law(encoder, [pictures[0], "words between", pictures[1].convert("L")], tolerance=1e-5)


def test_the_fingerprint_follows_the_weights(sentence, settings, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(sentence, other)
    first = Runtime(settings).load(f"hf:{sentence}", Encoder).fingerprint
    assert Runtime(settings).load(f"hf:{other}", Encoder).fingerprint == first
    changed = tmp_path / "changed"
    shutil.copytree(sentence, changed)
    settings_file = changed / "sentence_bert_config.json"
    settings_file.write_text(settings_file.read_text() + "\n")
    assert Runtime(settings).load(f"hf:{changed}", Encoder).fingerprint != first


def test_choose_equals_one_forward_pass_a_token(language, settings):
    """The oracle asks for the next token only, again and again."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words, model = AutoTokenizer.from_pretrained(language), AutoModelForCausalLM.from_pretrained(language).eval()
    prompt = words("user: Is it?\nassistant: ", add_special_tokens=False)["input_ids"]
    wanted = {}
    for choice in ("yes", "no way", "ক"):
        said, total = list(prompt), 0.0
        for token in words.encode(choice, add_special_tokens=False):
            with torch.inference_mode():
                total += float(torch.log_softmax(model(torch.tensor([said])).logits[0, -1].double(), -1)[token])
            said.append(token)
        wanted[choice] = total
    found = Runtime(settings).load(f"hf:{language}", Chat).choice_logprobs([Message("user", "Is it?")], list(wanted))
    assert sum(map(exp, found.values())) == pytest.approx(1)
    for choice, value in wanted.items():
        assert found[choice] - found["yes"] == pytest.approx(value - wanted["yes"], abs=1e-4)


def test_a_language_model_answers_and_counts(language, settings):
    chat = check_described(Runtime(settings), f"hf:{language}", Chat)
    answer = chat.generate([Message("system", "Be brief."), Message("user", "Hello")], max_tokens=6)
    assert 0 < answer.usage.completion <= 6
    assert not chat.supports_images
    warm = {chat.generate([Message("user", "Hi")], max_tokens=6, temperature=2.0).text for _ in range(4)}
    assert len(warm) > 1


def test_fill_is_valid_or_an_error(language, settings):
    class Word(BaseModel):
        word: str

    with pytest.raises(ModelError, match="the model's answer"):
        Runtime(settings).load(f"hf:{language}", Chat).generate_json([Message("user", "Hello")], Word, max_tokens=8)


def test_a_model_that_sees_takes_the_picture_into_account(seeing, settings):
    chat = check_described(Runtime(settings), f"hf:{seeing}", Chat)
    assert chat.supports_images
    red, blue = (Image.new("RGB", (50, 40), colour) for colour in ("red", "blue"))
    found = [
        chat.choice_logprobs([Message("user", [*pictures, "What?"])], ["yes", "no"])
        for pictures in ((red,), (blue,), ())
    ]
    assert len({round(one["yes"], 9) for one in found}) == 3
    orders = [["What?", red], [red, "What?"], ["What?", red, blue], ["What?", blue, red]]
    found = [chat.choice_logprobs([Message("user", parts)], ["yes", "no"]) for parts in orders]
    assert len({round(one["yes"], 9) for one in found}) == 4
    assert chat.generate([Message("user", [red, blue, "What?"])], max_tokens=4).usage.completion <= 4


def test_speech_through_transformers(whisper, settings):
    transcriber = check_described(Runtime(settings), f"hf:{whisper}", Transcriber)
    assert transcriber.transcribe(np.zeros(0, np.float32), 16_000) == []
    sound = np.random.default_rng(1).normal(0, 0.1, 22_050 * 2).astype(np.float32)
    found = transcriber.transcribe(sound, 22_050)  # random weights say anything, or nothing
    assert found == transcriber.transcribe(sound, 22_050)
    assert all(0 <= segment.start <= segment.end <= 2.01 for segment in found)


def test_chunks_become_segments():
    chunks = [{"text": " the moon ", "timestamp": (0.5, 2.0)}, {"text": " ", "timestamp": (2.0, 2.1)}]
    (first, last) = segments([*chunks, {"text": "end", "timestamp": (2.1, None)}], 4.0)
    assert (first.text, first.start, first.end) == ("the moon", 0.5, 2.0)
    assert last.end == 4.0


def test_pickled_weights_are_refused(tmp_path, settings):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    for kind in (Encoder, Chat):
        with pytest.raises(ModelError, match="no safetensors file; pickled weights are not loaded"):
            Runtime(settings).load(f"hf:{tmp_path}", kind)


def test_a_module_that_is_pickled_is_refused(sentence, tmp_path, settings):
    mixed = tmp_path / "mixed"
    shutil.copytree(sentence, mixed)
    (mixed / "2_Dense").mkdir()
    torch.save({"weight": torch.zeros(2)}, mixed / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"2_Dense/pytorch_model\.bin is a pickle"):
        Runtime(settings).load(f"hf:{mixed}", Encoder)


def test_code_of_the_folder_is_never_run(language, tmp_path, settings):
    folder, trace = tmp_path / "remote", tmp_path / "was_run"
    shutil.copytree(language, folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "evil.Evil", "AutoConfig": "evil.EvilConfig"}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "evil"}))
    (folder / "evil.py").write_text(f"open({str(trace)!r}, 'w').close()")
    with pytest.raises(ModelError):
        Runtime(settings).load(f"hf:{folder}", Chat)
    assert not trace.exists()


def test_broken_weights_are_an_error(language, tmp_path, settings):
    folder = tmp_path / "broken"
    shutil.copytree(language, folder)
    (folder / "model.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Runtime(settings).load(f"hf:{folder}", Chat)


def test_what_is_not_there_says_so(settings, tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        Runtime(settings).load(f"hf:{tmp_path}/none", Encoder)
    with pytest.raises(ModelError, match="not on this disk"):
        Runtime(Settings(offline=True, cache=tmp_path)).load("hf:some/model", Encoder)


def test_without_torch_the_extra_is_named(settings, language, monkeypatch):
    monkeypatch.setattr("alciato.models.hugging_face.find_spec", lambda _module: None)
    with pytest.raises(MissingPackage, match=r"pip install 'alciato\[train\]'"):
        Runtime(Settings(threads=1, cache=settings.cache)).load(f"hf:{language}", Chat)


LOADERS = [("sentence", Encoder), ("dual", Encoder), ("language", Chat), ("whisper", Transcriber)]


def network_of(model):
    """The torch module inside a loaded model."""
    model = getattr(model, "chat", model)
    return model._pipeline.model if hasattr(model, "_pipeline") else model._model


@pytest.mark.slow
@pytest.mark.parametrize(("fixture", "kind"), LOADERS)
def test_the_number_type_of_the_settings_is_that_of_the_weights(request, settings, fixture, kind):
    folder = request.getfixturevalue(fixture)
    fingerprints = set()
    for dtype, wanted in (("auto", torch.float32), ("bfloat16", torch.bfloat16)):
        runtime = Runtime(settings.model_copy(update={"dtype": dtype, "device": "cpu"}))
        model = check_described(runtime, f"hf:{folder}", kind)
        assert {one.dtype for one in network_of(model).parameters()} == {wanted}
        fingerprints.add(model.fingerprint)
        if kind is Encoder:
            vectors = model.encode(["the moon", "robot"]).dense
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        elif kind is Chat:
            found = model.choice_logprobs([Message("user", "Hi")], ["yes", "no"])
            assert sum(map(exp, found.values())) == pytest.approx(1)
        else:
            model.transcribe(np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32), 16_000)
    assert len(fingerprints) == 2


def test_pictures_are_encoded_in_the_number_type_of_the_weights(dual, settings):
    encoder = Runtime(settings.model_copy(update={"dtype": "bfloat16"})).load(f"hf:{dual}", Encoder)
    vectors = encoder.encode([Image.new("RGB", (40, 30), "red"), "words"]).dense
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
@pytest.mark.parametrize(("fixture", "kind"), LOADERS)
def test_a_device_that_is_not_there_is_told(request, settings, fixture, kind):
    runtime = Runtime(settings.model_copy(update={"device": "cuda"}))
    for what in (runtime.load, runtime.describe):
        with pytest.raises(UsageError, match="there is no device 'cuda'") as caught:
            what(f"hf:{request.getfixturevalue(fixture)}", kind)
        assert "cpu" in caught.value.remedy


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [
        ("auto", ["cuda:0", "cuda:1", "cpu"], "cuda:0"),
        ("auto", ["mps", "cpu"], "mps"),
        ("auto", ["cpu"], "cpu"),
        ("cuda", ["cuda:0", "cuda:1", "cpu"], "cuda:0"),
        ("cuda:1", ["cuda:0", "cuda:1", "cpu"], "cuda:1"),
        ("cuda:2", ["cuda:0", "cuda:1", "cpu"], None),
        ("cpu", ["cuda:0", "cpu"], "cpu"),
        ("mps", ["cuda:0", "cpu"], None),
    ],
)
def test_the_device_is_the_best_of_those_named(wanted, there, found):
    if found is None:
        with pytest.raises(UsageError, match="no device") as caught:
            chosen_device(wanted, there)
        assert all(name in caught.value.remedy for name in there)
    else:
        assert chosen_device(wanted, there) == found


def test_on_a_gpu_the_weights_keep_their_own_number_type(settings):
    assert dtype_for(settings, "cuda:0") == "auto"
    assert dtype_for(settings, "cpu") is torch.float32
    assert dtype_for(settings.model_copy(update={"dtype": "float16"}), "cuda:0") is torch.float16


@pytest.mark.slow
@pytest.mark.parametrize(("before", "threads"), [("import torch; torch.set_num_threads(3)", 3), ("", 1)])
def test_loading_leaves_a_process_that_uses_torch_as_it_was(language, settings, before, threads):
    """The setting `threads` holds where the loader is the first to import PyTorch, and changes nothing elsewhere."""
    code = f"""
{before}
from alciato.models import Chat, Runtime
from alciato.settings import Settings
Runtime(Settings(threads=1, cache={str(settings.cache)!r})).load("hf:{language}", Chat)
import torch
from transformers import logging
print(torch.get_num_threads(), logging.get_verbosity() == logging.WARNING, logging.is_progress_bar_enabled())
"""
    plain = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=plain)
    assert done.stdout.split() == [str(threads), "True", "True"]
    assert done.stderr == ""
