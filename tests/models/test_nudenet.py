import numpy as np
import pytest
import skimage.data
from PIL import Image

from alciato.models import Detector, Runtime
from alciato.models.nudenet import suppress_overlaps


@pytest.fixture(scope="session")
def detector(settings):
    return Runtime(settings).load("packaged:nudenet", Detector)


@pytest.mark.parametrize("width", [256, 512, 900])
def test_equals_the_class_of_the_package(detector, width):
    from nudenet import NudeDetector

    picture = Image.fromarray(skimage.data.astronaut()).resize((width, width * 3 // 4))
    ours = detector.detect(picture)
    theirs = NudeDetector().detect(np.asarray(picture)[:, :, ::-1].copy())
    assert len(ours) == len(theirs) >= 1
    for one, other in zip(ours, sorted(theirs, key=lambda found: -found["score"]), strict=True):
        assert one.label == other["class"]
        assert one.confidence == pytest.approx(other["score"], abs=1e-4)
        left, top, across, down = other["box"]
        assert one.box == pytest.approx((left, top, left + across, top + down), abs=2)


def test_a_face_is_where_it_is(detector):
    (face, *_) = detector.detect(Image.fromarray(skimage.data.astronaut()))
    assert face.label == "FACE_FEMALE"
    assert face.box.left < 224 < face.box.right
    assert face.box.top < 130 < face.box.bottom


def test_a_cup_of_coffee_is_innocent(detector):
    assert detector.detect(Image.fromarray(skimage.data.coffee())) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (5000, 2), (7000, 7000)])
def test_odd_sizes_do_no_harm(detector, size):
    assert detector.detect(Image.new("RGB", size, "gray")) == []


def test_of_two_boxes_over_one_another_the_surer_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], np.float32)
    assert suppress_overlaps(boxes, np.array([0.4, 0.9, 0.3], np.float32), 0.45) == [1, 2]


def test_suppression_equals_opencv():
    import cv2

    random = np.random.default_rng(3)
    corners = random.uniform(0, 100, (60, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 40, (60, 2))], 1).astype(np.float32)
    scores = random.uniform(0.3, 1, 60).astype(np.float32)
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    wanted = cv2.dnn.NMSBoxes(sizes.tolist(), scores.tolist(), 0.25, 0.45)
    assert suppress_overlaps(boxes, scores, 0.45) == list(np.array(wanted).reshape(-1))
