"""MemeTector: the worked cases of its page, laws of crop, mixture and attention, and the detector as a reader."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from alciato.errors import UsageError  # noqa: E402
from alciato.item import Box  # noqa: E402
from alciato.nets import VisionTransformerConfig  # noqa: E402
from alciato.nets.memetector import (  # noqa: E402
    MemeDetector,
    MemeDetectorConfig,
    Mixture,
    TrainableAttention,
    heat_map,
    largest_text_free_crop,
    mixture,
    visual_part_utilization,
)
from alciato.read.memetector import MemePictureDetector, meme_class  # noqa: E402

torch.set_num_threads(1)

TOP, BOTTOM = Box(0, 0, 100, 20), Box(0, 80, 100, 100)
TINY = VisionTransformerConfig(size=32, patch=8, dim=16, depth=3, heads=2, mlp=16)


def tiny(score="tanh", **changes):
    torch.manual_seed(5)
    return MemeDetector(MemeDetectorConfig(vision=TINY, score=score, hidden=8, **changes)).eval()


@pytest.mark.parametrize("search", ["exact", "grid"])
def test_worked_case_1_words_at_the_top(search):
    part = largest_text_free_crop((100, 100), [TOP], search=search)
    assert part.share == pytest.approx(0.8)
    assert tuple(part.box) == pytest.approx((0, 20, 100, 100))


def test_worked_case_1_words_at_top_and_bottom():
    grid = largest_text_free_crop((100, 100), [TOP, BOTTOM], search="grid")
    assert grid.share == pytest.approx(0.55)
    assert tuple(grid.box) == pytest.approx((0, 20, 100, 75))
    exact = largest_text_free_crop((100, 100), [TOP, BOTTOM])
    assert exact.share == pytest.approx(0.6)
    assert exact.box == Box(0, 20, 100, 80)


def test_worked_case_1_no_words_and_nothing_but_words():
    assert largest_text_free_crop((100, 100), [], search="grid").share == pytest.approx(0.9)
    assert largest_text_free_crop((100, 100), []).box == Box(0, 0, 100, 100)
    for search in ("exact", "grid"):
        assert largest_text_free_crop((100, 100), [Box(0, 0, 100, 100)], search=search) is None


def test_a_part_below_the_least_share_is_none():
    boxes = [Box(0, 0, 100, 95)]
    assert largest_text_free_crop((100, 100), boxes) is None
    assert largest_text_free_crop((100, 100), boxes, least=0.05).box == Box(0, 95, 100, 100)


CORNERS = st.tuples(*[st.integers(0, 8)] * 4).map(
    lambda c: Box(min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@given(st.lists(CORNERS, max_size=5))
def test_the_exact_crop_is_the_best_of_all_crops(boxes):
    solid = [b for b in boxes if b.left < b.right and b.top < b.bottom]
    taken = np.zeros((8, 8), bool)
    for box in solid:
        taken[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = True
    best = max(
        (
            (right - left) * (bottom - top)
            for left in range(8)
            for right in range(left + 1, 9)
            for top in range(8)
            for bottom in range(top + 1, 9)
            if not taken[top:bottom, left:right].any()
        ),
        default=0,
    )
    part = largest_text_free_crop((8, 8), boxes, least=0)
    assert (part.share if part else 0) == pytest.approx(best / 64)
    if part:
        left, top, right, bottom = map(int, part.box)
        assert not taken[top:bottom, left:right].any()
        grid = largest_text_free_crop((8, 8), boxes, search="grid", least=0)
        assert grid is None or grid.share <= part.share + 1e-9


@pytest.mark.parametrize(
    ("vpu", "text", "wanted"),
    [
        (1 / 3, 1, Mixture(5658, 0, 2828)),
        (1 / 3, 1 / 3, Mixture(1887, 3771, 2828)),
        (0, 0, Mixture(0, 8486, 0)),
        (1, 0.3, Mixture(0, 0, 8486)),
    ],
)
def test_worked_case_2(vpu, text, wanted):
    assert mixture(8486, vpu, text) == wanted


@given(st.integers(0, 500), st.floats(0, 1), st.floats(0, 1))
def test_a_mixture_has_as_many_members_as_asked_for(count, vpu, text):
    parts = mixture(count, vpu, text)
    assert sum(parts) == count
    assert min(parts) >= 0


def test_shares_are_shares():
    with pytest.raises(UsageError, match="vpu is 33"):
        mixture(10, 33)


def test_the_plain_class_is_chosen_from_its_sources_once_each_and_filled_up():
    memes, worded, bare = range(9), range(100, 109), range(200, 209)
    plain = visual_part_utilization(memes, worded, bare, seed=4)
    assert [len(part) for part in plain] == [6, 0, 3]
    assert plain == visual_part_utilization(memes, worded, bare, seed=4)
    assert plain != visual_part_utilization(memes, worded, bare, seed=5)
    filled = visual_part_utilization(memes, worded[:2], bare, seed=4)
    assert [len(part) for part in filled] == [2, 4, 3]
    assert all(len(set(part)) == len(part) for part in filled)
    assert [len(part) for part in visual_part_utilization(memes[:2], worded, bare, count=9)] == [6, 0, 2]


def case_3(y):
    """The page's numbers: w = (5, 0, ln 3, 0), b = 0."""
    attention = TrainableAttention(2, "additive-linear")
    with torch.no_grad():
        attention.score_layer.weight.copy_(torch.tensor([[5, 0, np.log(3), 0]]))
        attention.score_layer.bias.zero_()
    return attention(torch.tensor([y]), torch.eye(2)[None])


@pytest.mark.slow
@pytest.mark.parametrize("y", [(1.0, 0.0), (-7.0, 3.0)])
def test_worked_case_3_any_class_token_gives_the_same_weights(y):
    found = case_3(y)
    torch.testing.assert_close(found.weights, torch.tensor([[0.75, 0.25]]))
    torch.testing.assert_close(found.pooled, torch.tensor([[0.75, 0.25]]))


def test_worked_case_4():
    blocks = [torch.eye(4)[[patch]] for patch in (0, 0, 1, 2)]
    torch.testing.assert_close(heat_map(blocks), torch.tensor([[[0.5, 0.25], [0.25, 0.0]]]))


@pytest.mark.parametrize("score", ["tanh", "dot", "additive-linear"])
class TestAttention:
    def given(self, score):
        torch.manual_seed(3)
        return TrainableAttention(6, score), torch.randn(4, 6) * 3, torch.randn(4, 9, 6) * 3

    def test_weights_are_a_distribution_and_the_pooled_vector_lies_within(self, score):
        attention, y, z = self.given(score)
        found = attention(y, z)
        torch.testing.assert_close(found.weights.sum(-1), torch.ones(4))
        assert found.weights.min() >= 0
        assert (found.pooled <= z.max(1).values + 1e-5).all()
        assert (found.pooled >= z.min(1).values - 1e-5).all()

    def test_patches_in_another_order_have_the_same_weights(self, score):
        attention, y, z = self.given(score)
        order = torch.randperm(9)
        found, moved = attention(y, z), attention(y, z[:, order])
        torch.testing.assert_close(moved.weights, found.weights[:, order])
        torch.testing.assert_close(moved.pooled, found.pooled)

    def test_the_class_token_counts_in_all_forms_but_the_published_one(self, score):
        attention, y, z = self.given(score)
        y.requires_grad_()
        (attention(y, z).pooled ** 2).sum().backward()
        if score == "additive-linear":
            assert y.grad.abs().max() < 1e-4
        else:
            assert y.grad.abs().max() > 1e-2


@pytest.mark.parametrize("score", ["tanh", "dot", "additive-linear"])
def test_only_where_the_class_token_counts_do_the_last_norm_and_block_learn(score):
    model = tiny(score, kept=(1, 2))
    model(  # type: ignore[operator]
        {"pictures": torch.randn(3, 3, 32, 32)}
    ).square().sum().backward()
    gradients = [model.vision.norm.weight.grad, model.vision.blocks[2].mlp[0].weight.grad]
    largest = max(gradient.abs().max() for gradient in gradients)
    assert largest < 1e-7 if score == "additive-linear" else largest > 1e-6


def test_the_heat_map_sums_to_one_and_each_picture_has_its_own():
    look = tiny().classify(torch.randn(3, 3, 32, 32))
    assert look.heat.shape == (3, 4, 4)
    torch.testing.assert_close(look.heat.sum((1, 2)), torch.ones(3))
    assert look.logits.shape == (3, 2)


def test_a_picture_is_judged_alike_alone_and_among_others():
    model, pictures = tiny(), torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(model.classify(pictures).logits[2:3], model.classify(pictures[2:3]).logits)


def test_without_attention_there_is_no_heat_map():
    assert tiny(None).classify(torch.randn(1, 3, 32, 32)).heat is None
    assert tiny(None).attend is None


def test_kept_blocks_must_exist():
    with pytest.raises(ValueError, match="there are blocks 1 to 3"):
        MemeDetectorConfig(vision=TINY, kept=(4,))
    assert MemeDetectorConfig(vision=TINY).blocks == (1, 3)


def test_the_detector_gives_a_score_and_rows_that_sum_to_one():
    from PIL import Image

    (finding,) = MemePictureDetector(tiny(), 0, "trained:x", "1").detect(Image.new("RGB", (50, 20), "red"))
    assert finding.label == "meme"
    assert 0 <= finding.confidence <= 1
    assert [len(row) for row in finding.heat] == [4] * 4
    assert sum(map(sum, finding.heat)) == pytest.approx(1, abs=1e-4)


def test_the_class_of_memes_must_be_named():
    assert meme_class(["macro", "plain"]) == 0
    assert meme_class(["benign", "Meme"]) == 1
    with pytest.raises(UsageError, match="'cat', 'dog'"):
        meme_class(["cat", "dog"])
