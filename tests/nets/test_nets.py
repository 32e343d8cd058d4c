"""Laws of the compact backbones and their tokenizers."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from PIL import Image  # noqa: E402
from pydantic import ValidationError  # noqa: E402

from alciato.nets import (  # noqa: E402
    ByteTokenizer,
    TextEncoder,
    TextEncoderConfig,
    VisionTransformer,
    VisionTransformerConfig,
    WordTokenizer,
    as_tensors,
    picture_tensor,
)

torch.set_num_threads(1)
SMALL = {"dim": 24, "depth": 2, "heads": 3, "mlp": 32}
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def vision(**changes):
    torch.manual_seed(1)
    return VisionTransformer(VisionTransformerConfig(size=16, patch=4, **{**SMALL, **changes})).eval()


def text(**changes):
    torch.manual_seed(1)
    return TextEncoder(TextEncoderConfig(vocabulary=60, length=40, **{**SMALL, **changes})).eval()


def tokens(*shape, seed=0):
    return torch.randint(5, 60, shape, generator=torch.Generator().manual_seed(seed))


def uneven(batch, length):
    """Masks of rows of different lengths."""
    return torch.arange(length)[None] < torch.arange(length, length - batch, -1)[:, None]


@torch.inference_mode()
def test_a_picture_is_the_same_alone_and_in_a_batch():
    network, pictures = vision(), torch.randn(5, 3, 16, 16)
    together = network(pictures)
    assert together.pooled.shape == (5, network.dim) == (5, 24)
    assert together.tokens.shape == (5, 16, 24)
    assert [layer.shape for layer in together.layers] == [(5, 16, 24)] * 2
    assert torch.allclose(network(pictures[2:3]).pooled, together.pooled[2:3], **CLOSE)


@torch.inference_mode()
def test_every_patch_counts_and_has_its_place():
    network = vision()
    picture = torch.randn(1, 3, 16, 16)
    embedded = network.embed(picture).flatten(2).transpose(1, 2)[0]
    changed = picture.clone()
    changed[:, :, 4:8, 8:12] += 1  # row 1, column 2 of the grid: patch 6
    moved = (network.embed(changed).flatten(2).transpose(1, 2)[0] - embedded).abs().sum(1) > 1e-6
    assert moved.nonzero().flatten().tolist() == [6]
    assert not torch.allclose(network(changed).pooled, network(picture).pooled)


@torch.inference_mode()
def test_what_lies_under_the_padding_changes_nothing():
    network, mask = text(), uneven(3, 12)
    one, other = tokens(3, 12), tokens(3, 12, seed=9)
    other = torch.where(mask, one, other)
    first, second = network(one, mask), network(other, mask)
    assert torch.allclose(first.pooled, second.pooled, **CLOSE)
    assert torch.allclose(first.tokens[mask], second.tokens[mask], **CLOSE)
    alone = network(one[2:, :10], mask[2:, :10])  # its own length, and no batch
    assert torch.allclose(alone.pooled, first.pooled[2:], **CLOSE)


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


def test_texts_become_a_padded_batch():
    tokens_, mask = as_tensors(WordTokenizer(["when", "monday", "ends"]), ["when monday ends", "when", ""], 4)
    assert tokens_.tolist() == [[1, 5, 6, 2], [1, 5, 2, 0], [1, 2, 0, 0]]
    assert mask.sum(1).tolist() == [4, 3, 2]


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="size 64 is not a multiple of patch 7"):
        VisionTransformerConfig(patch=7)
    with pytest.raises(ValidationError, match="not a multiple of heads"):
        VisionTransformerConfig(heads=5)


def test_the_standard_sizes_are_a_few_million():
    built = (VisionTransformer(VisionTransformerConfig()), TextEncoder(TextEncoderConfig()))
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in built]
    assert all(1.5e6 < count < 4e6 for count in counts), counts


def test_a_picture_becomes_a_square_of_minus_one_to_one():
    half = Image.new("RGB", (60, 40), "black")
    half.paste("white", (30, 0, 60, 40))
    tensor = picture_tensor(half, 16)
    assert tensor.shape == (3, 16, 16)
    assert torch.equal(tensor[:, :, :4], torch.full((3, 16, 4), -1.0))
    assert torch.equal(tensor[:, :, 12:], torch.full((3, 16, 4), 1.0))
