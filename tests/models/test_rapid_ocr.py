import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw, ImageFont

from alciato.models import Ocr, Runtime
from alciato.models.rapid_ocr import framed
from model_samples import caption

CAPTIONS = [
    ("WHEN THE ROBOT READS", "YOUR POLICY ALOUD"),
    ("ONE DOES NOT SIMPLY", "WALK TO SATURN"),
    ("MY CAT ON MONDAY", "MY CAT ON FRIDAY"),
    ("BROUGHT A TELESCOPE", "SAW ONLY CLOUDS"),
]


@pytest.fixture(scope="session")
def ocr(settings):
    return Runtime(settings).load("packaged:rapidocr", Ocr)


@pytest.mark.parametrize("width", [320, 512, 1024])
def test_captions_over_photographs_are_read(ocr, width):
    """Every letter in its order, line by line; where words are joined in tight capitals is the reader's affair."""
    photographs = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea(), skimage.data.rocket()]
    found = wanted = 0
    for photograph, (top, bottom) in zip(photographs, CAPTIONS, strict=True):
        letters = " ".join(
            line.text.replace(" ", "") for line in ocr.recognise(caption(photograph, top, bottom, width))
        )
        words = f"{top} {bottom}".split()
        found += sum(word in letters for word in words)
        wanted += len(words)
    assert found / wanted >= 0.95


def test_boxes_lie_where_the_words_are(ocr):
    picture = caption(skimage.data.astronaut(), "LOOK AT ME", "I AM THE CAPTAIN")
    top, bottom = ocr.recognise(picture)[0], ocr.recognise(picture)[-1]
    assert top.box.bottom < 100
    assert bottom.box.top > 400
    for line in (top, bottom):
        assert 0 <= line.box.left < line.box.right <= 512
        assert 0.5 <= line.confidence <= 1


@pytest.mark.slow
def test_fine_print_of_a_screenshot_is_read(ocr):
    """Letters of 14 pixels on a picture of 1600: too small for the first look."""
    picture = Image.new("RGB", (1600, 1200), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(18)
    sentences = [f"message number {n}: the robots of Saturn meet at noon" for n in range(20)]
    for n, sentence in enumerate(sentences):
        draw.text((40 + 300 * (n % 3), 40 + 50 * n), sentence, font=font, fill="black")
    letters = "".join((line.text or "").replace(" ", "") for line in ocr.recognise(picture))
    assert sum(sentence.replace(" ", "") in letters for sentence in sentences) >= 18


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2000), (4000, 8), (33, 31), (6000, 40)])
def test_odd_sizes_are_read_without_harm(ocr, size):
    assert isinstance(ocr.recognise(Image.new("RGB", size, "gray")), list)


def test_a_slender_strip_is_read_and_its_box_stays_inside(ocr):
    strip = Image.new("RGB", (1200, 28), "white")
    ImageDraw.Draw(strip).text((20, 2), "the captain looks at the moon", font=ImageFont.load_default(20), fill="black")
    lines = ocr.recognise(strip)
    assert "captain" in " ".join(line.text for line in lines)
    assert all(line.box.bottom <= 28 for line in lines)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_any_mode_is_taken(ocr, mode):
    picture = caption(skimage.data.astronaut(), "LOOK AT ME", "GOOD MORNING").convert(mode)
    assert "GOOD MORNING" in " ".join(line.text for line in ocr.recognise(picture))


def test_the_same_picture_gives_the_same_lines_whatever_came_before(ocr):
    picture = caption(skimage.data.astronaut(), "LOOK AT ME", "I AM THE CAPTAIN")
    first = ocr.recognise(picture)
    ocr.recognise(caption(skimage.data.coffee(), "SOMETHING", "ELSE", 1500))
    assert ocr.recognise(picture) == first


def test_the_frame_keeps_the_picture():
    pixels = np.arange(5 * 400 * 3, dtype=np.uint8).reshape(5, 400, 3)
    whole, (left, top) = framed(pixels)
    assert whole.shape[0] >= 50
    np.testing.assert_array_equal(whole[int(top) : int(top) + 5, int(left) : int(left) + 400], pixels)


@pytest.mark.slow
def test_it_is_silent_and_asks_nobody(settings):
    """In a process of its own, behind the offline guard: nothing printed, no connection tried."""
    code = (
        "from PIL import Image; from alciato.models import Ocr, Runtime; from alciato.settings import Settings;"
        f"s = Settings(offline=True, cache={str(settings.cache)!r});"
        "Runtime(s).load('packaged:rapidocr', Ocr).recognise(Image.new('RGB', (300, 200), 'white'))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
