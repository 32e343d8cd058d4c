"""Laws of the backbones: what must not matter does not, ours and pretrained ones alike."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from PIL import Image  # noqa: E402
from pydantic import ValidationError  # noqa: E402

from alciato.errors import ModelError, UsageError  # noqa: E402
from alciato.nets import (  # noqa: E402
    ByteTokenizer,
    CausalDecoderConfig,
    MaskedTransformerConfig,
    Pretrained,
    TextEncoderConfig,
    VisionTransformerConfig,
    WordTokenizer,
    as_tensors,
    build_decoder,
    build_masked,
    build_text,
    build_tokenizer,
    build_vision,
    hide,
    picture_tensor,
)

torch.set_num_threads(1)
SMALL = {"dim": 24, "depth": 2, "heads": 3, "mlp": 32}
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny random models of transformers, saved as it saves them."""
    import transformers

    root = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32}
    bert = transformers.BertConfig(vocab_size=60, max_position_embeddings=40, **sizes)
    vit = transformers.ViTConfig(image_size=16, patch_size=4, **sizes)
    gpt = transformers.GPT2Config(vocab_size=60, n_positions=40, n_embd=24, n_layer=2, n_head=3)
    transformers.ViTModel(vit).save_pretrained(root / "vision")
    transformers.BertModel(bert).save_pretrained(root / "text")
    transformers.BertForMaskedLM(bert).save_pretrained(root / "masked")
    transformers.GPT2LMHeadModel(gpt).save_pretrained(root / "decoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "when", "monday", "never", "ends"]
    (root / "text/vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(root / "text/vocab.txt")).save_pretrained(root / "text")
    return root


@pytest.fixture(params=["ours", "pretrained"])
def build(request, folders):
    """Builds a backbone by its role, ours or a pretrained one."""
    ours = {
        "vision": (build_vision, VisionTransformerConfig(size=16, patch=4, **SMALL)),
        "text": (build_text, TextEncoderConfig(vocabulary=60, length=40, **SMALL)),
        "decoder": (build_decoder, CausalDecoderConfig(vocabulary=60, length=40, prefix_dim=10, **SMALL)),
        "masked": (build_masked, MaskedTransformerConfig(vocabulary=60, length=40, **SMALL)),
    }

    def make(role):
        torch.manual_seed(1)
        function, config = ours[role]
        if request.param == "pretrained":
            config = Pretrained(folder=str(folders / role))
        extra = {"prefix_dim": 10} if role == "decoder" else {}
        return function(config, **extra).eval()

    return make


def tokens(*shape, seed=0):
    return torch.randint(5, 60, shape, generator=torch.Generator().manual_seed(seed))


def uneven(batch, length):
    """Masks of rows of different lengths."""
    return torch.arange(length)[None] < torch.arange(length, length - batch, -1)[:, None]


@torch.inference_mode()
def test_a_picture_is_the_same_alone_and_in_a_batch(build):
    vision, pictures = build("vision"), torch.randn(5, 3, 16, 16)
    together = vision(pictures)
    assert together.pooled.shape == (5, vision.dim) == (5, 24)
    assert together.tokens.shape == (5, 16, 24)
    assert [layer.shape for layer in together.layers] == [(5, 16, 24)] * 2
    assert torch.allclose(vision(pictures[2:3]).pooled, together.pooled[2:3], **CLOSE)


@torch.inference_mode()
def test_every_patch_counts_and_has_its_place():
    torch.manual_seed(0)
    vision = build_vision(VisionTransformerConfig(size=16, patch=4, **SMALL)).eval()
    picture = torch.randn(1, 3, 16, 16)
    embedded = vision.embed(picture).flatten(2).transpose(1, 2)[0]
    changed = picture.clone()
    changed[:, :, 4:8, 8:12] += 1  # row 1, column 2 of the grid: patch 6
    moved = (vision.embed(changed).flatten(2).transpose(1, 2)[0] - embedded).abs().sum(1) > 1e-6
    assert moved.nonzero().flatten().tolist() == [6]
    assert not torch.allclose(vision(changed).pooled, vision(picture).pooled)


@torch.inference_mode()
def test_what_lies_under_the_padding_changes_nothing(build):
    text, mask = build("text"), uneven(3, 12)
    one, other = tokens(3, 12), tokens(3, 12, seed=9)
    other = torch.where(mask, one, other)
    first, second = text(one, mask), text(other, mask)
    assert torch.allclose(first.pooled, second.pooled, **CLOSE)
    assert torch.allclose(first.tokens[mask], second.tokens[mask], **CLOSE)
    alone = text(one[2:, :10], mask[2:, :10])  # its own length, and no batch
    assert torch.allclose(alone.pooled, first.pooled[2:], **CLOSE)


@torch.inference_mode()
@pytest.mark.parametrize("vectors", [0, 3])
def test_future_tokens_change_nothing(build, vectors):
    decoder = build("decoder")
    prefix = torch.randn(2, vectors, 10) if vectors else None
    one, mask = tokens(2, 9), torch.ones(2, 9, dtype=torch.bool)
    other = torch.cat([one[:, :5], tokens(2, 4, seed=4)], 1)
    first, second = decoder(one, mask, prefix), decoder(other, mask, prefix)
    assert first.shape == (2, 9, 60)
    assert torch.allclose(first[:, :5], second[:, :5], **CLOSE)
    assert not torch.allclose(first[:, 5:], second[:, 5:], **CLOSE)


@torch.inference_mode()
def test_the_picture_reaches_every_token(build):
    decoder, one, mask = build("decoder"), tokens(1, 6), torch.ones(1, 6, dtype=torch.bool)
    first, second = decoder(one, mask, torch.zeros(1, 2, 10)), decoder(one, mask, 5 * torch.ones(1, 2, 10))
    assert ((first - second).abs().amax(-1) > 1e-6).all()


@torch.inference_mode()
def test_padding_of_a_decoder_changes_nothing(build):
    decoder, one = build("decoder"), tokens(1, 8)
    mask = torch.ones(1, 8, dtype=torch.bool)
    mask[:, 6:] = False
    padded, bare = decoder(one, mask), decoder(one[:, :6], mask[:, :6])
    assert torch.allclose(padded[:, :6], bare, **CLOSE)
    assert torch.isfinite(padded).all()


@torch.inference_mode()
def test_a_masked_token_is_told_from_both_sides(build):
    masked, one, mask = build("masked"), tokens(1, 7), torch.ones(1, 7, dtype=torch.bool)
    logits = masked(one, mask)
    assert logits.shape == (1, 7, 60)
    for place in (0, 6):
        other = one.clone()
        other[0, place] = 5 + (other[0, place] - 4) % 50
        assert not torch.allclose(masked(other, mask)[:, 3], logits[:, 3], atol=1e-7)


@given(st.integers(1, 5), st.integers(1, 20), st.floats(0.05, 1.0), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_hiding_takes_the_share_of_each_row(batch, length, share, seed):
    mask = torch.arange(length)[None] <= torch.arange(batch)[:, None] % length
    row = tokens(batch, length, seed=seed)
    hidden = hide(row, mask, share, 3, torch.Generator().manual_seed(seed))
    real = mask.sum(1)
    assert (hidden.hidden.sum(1) == (real * share).round().clamp(min=1)).all()
    assert not (hidden.hidden & ~mask).any()
    assert (hidden.tokens[hidden.hidden] == 3).all()
    assert torch.equal(hidden.tokens[~hidden.hidden], row[~hidden.hidden])


@given(st.text(max_size=40))
def test_bytes_come_back(text):
    tokenizer = ByteTokenizer()
    assert (
        tokenizer.decode([tokenizer.start, *tokenizer.encode(text), tokenizer.end])
        == text.encode("utf-8", "replace").decode()
    )


def test_words_have_the_numbers_of_their_frequency():
    tokenizer = WordTokenizer.fit(["A cat, a dog", "a CAT"], most=3)
    assert tokenizer.words == ("a", "cat", ",")
    assert tokenizer.encode("a cat bites") == [5, 6, 4]
    assert tokenizer.decode([1, 5, 6, 4, 2]) == "a cat [?]"
    assert build_tokenizer(tokenizer.document()).encode("cat") == [6]


def test_texts_become_a_padded_batch():
    tokens_, mask = as_tensors(WordTokenizer(["when", "monday", "ends"]), ["when monday ends", "when", ""], 4)
    assert tokens_.tolist() == [[1, 5, 6, 2], [1, 5, 2, 0], [1, 2, 0, 0]]
    assert mask.sum(1).tolist() == [4, 3, 2]


def test_a_pretrained_tokenizer_answers_the_same_calls(folders):
    tokenizer = build_tokenizer({"kind": "pretrained", "folder": str(folders / "text")})
    rows, mask = as_tensors(tokenizer, ["When Monday", "never"], 10)
    assert rows.tolist() == [[2, 5, 6, 3], [2, 7, 3, 0]]
    assert mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert tokenizer.decode(rows[0].tolist()) == "when monday"


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="size 64 is not a multiple of patch 7"):
        VisionTransformerConfig(patch=7)
    with pytest.raises(ValidationError, match="not a multiple of heads"):
        VisionTransformerConfig(heads=5)
    with pytest.raises(UsageError, match="no tokenizer is named 'byte'.*'bytes'"):
        build_tokenizer({"kind": "byte"})


def test_a_folder_without_safetensors_is_refused(folders, tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        build_text(Pretrained(folder=str(tmp_path)))
    (tmp_path / "config.json").write_text((folders / "text/config.json").read_text())
    torch.save({}, tmp_path / "pytorch_model.bin")  # pickle: never loaded
    with pytest.raises(ModelError, match="cannot be loaded"):
        build_text(Pretrained(folder=str(tmp_path)))


def test_the_standard_sizes_are_a_few_million():
    built = (build_vision(VisionTransformerConfig()), build_text(TextEncoderConfig()))
    built += (build_decoder(CausalDecoderConfig()), build_masked(MaskedTransformerConfig()))
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in built]
    assert all(1.5e6 < count < 4e6 for count in counts), counts


def test_a_picture_becomes_a_square_of_minus_one_to_one():
    half = Image.new("RGB", (60, 40), "black")
    half.paste("white", (30, 0, 60, 40))
    tensor = picture_tensor(half, 16)
    assert tensor.shape == (3, 16, 16)
    assert torch.equal(tensor[:, :, :4], torch.full((3, 16, 4), -1.0))
    assert torch.equal(tensor[:, :, 12:], torch.full((3, 16, 4), 1.0))
