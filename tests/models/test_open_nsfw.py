"""open_nsfw with a network of the same form that finds bright pictures: what goes in, what comes out, the policy."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from PIL import Image

from alciato.judge.policy import load_policy
from alciato.models import Detector
from alciato.models.open_nsfw import LABEL, OpenNsfw, _pixels
from alciato.models.runtime import keeps
from alciato.models.weights import Source
from alciato.settings import Settings


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open-nsfw")
    weights = [
        numpy_helper.from_array(np.array([1, 2]), "axes"),
        numpy_helper.from_array(np.array([[0, 0.02]] * 3, np.float32), "brightness"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "brightness"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 224, 224, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "bright", [x], [y], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "w.onnx")
    source = Source("packaged:open-nsfw", None, folder, "open-nsfw", "0" * 64, files=("w.onnx",))
    return OpenNsfw(source, Settings(threads=1))


def test_it_tells_what_is_over_the_bound_of_the_whole_picture(detector):
    assert keeps(detector, Detector)
    (found,) = detector.detect(Image.new("RGB", (40, 30), "white"))
    assert (found.label, tuple(found.box)) == (LABEL, (0, 0, 40, 30))
    assert 0.9 < found.confidence <= 1
    assert detector.detect(Image.new("RGB", (40, 30), "black")) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (5000, 2)])
def test_odd_sizes_do_no_harm(detector, size):
    assert len(detector.detect(Image.new("RGB", size, "white"))) == 1


def test_the_network_sees_the_middle_as_blue_green_red_less_the_means():
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[16:240, 16:240] = (200, 120, 40)
    seen = _pixels(Image.fromarray(pixels))
    assert seen.shape == (1, 224, 224, 3)
    assert np.abs(seen[0] - (np.array([40, 120, 200]) - [104, 117, 123])).max() <= 3  # JPEG


def test_the_packaged_policy_hears_it():
    (category,) = [one for one in load_policy("general").categories if one.id == "sexual"]
    assert LABEL in {signal.label for signal in category.signals}
