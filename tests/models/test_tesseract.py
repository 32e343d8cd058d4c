import shutil
import subprocess

import pytest
from PIL import Image, ImageDraw, ImageFont

from alciato.errors import MissingPackage, UsageError
from alciato.item import Box
from alciato.models import Ocr, Runtime
from alciato.models.tesseract import lines

here = pytest.mark.skipif(shutil.which("tesseract") is None, reason="the program tesseract is not installed")
TABLE = (
    "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    "4\t1\t1\t1\t1\t0\t10\t10\t90\t20\t-1\t\n"
    "5\t1\t1\t1\t1\t1\t10\t10\t40\t20\t90.0\tgood\n"
    "5\t1\t1\t1\t1\t2\t60\t12\t40\t20\t70.0\tmoon\n"
    "5\t1\t2\t1\t1\t1\t10\t90\t40\t20\t5.0\ttwig\n"
    '5\t1\t3\t1\t1\t1\t10\t60\t40\t20\t80.0\t"quoted\n'
)


def test_words_of_one_line_are_joined_and_doubtful_ones_left_out():
    first, second = lines(TABLE, 2)
    assert first.text == "good moon"
    assert first.box == Box(5, 5, 50, 16)
    assert first.confidence == pytest.approx(0.8)
    assert second.text == '"quoted'


@here
def test_a_line_is_read(settings):
    picture = Image.new("RGB", (700, 120), "white")
    ImageDraw.Draw(picture).text((20, 30), "the captain on the moon", font=ImageFont.load_default(48), fill="black")
    (line,) = Runtime(settings).load("packaged:tesseract/eng", Ocr).recognise(picture)
    assert line.text == "the captain on the moon"
    assert 0 <= line.box.left < line.box.right <= 700


@here
def test_bengali_is_read_where_it_is_installed(settings):
    font = "/usr/share/fonts/truetype/noto/NotoSansBengali-Bold.ttf"
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout
    if "ben" not in listed.split() or not shutil.os.path.exists(font):
        pytest.skip("no Bengali for Tesseract, or no font of it")
    picture = Image.new("RGB", (500, 120), "white")
    ImageDraw.Draw(picture).text((20, 30), "আমার সোনার বাংলা", font=ImageFont.truetype(font, 48), fill="black")
    assert "আমার" in " ".join(
        line.text for line in Runtime(settings).load("packaged:tesseract/ben", Ocr).recognise(picture)
    )


@here
@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (9, 9)])
def test_slivers_hold_no_words(settings, size):
    assert Runtime(settings).load("packaged:tesseract/eng", Ocr).recognise(Image.new("RGB", size)) == []


@here
def test_a_language_that_is_not_installed_names_those_that_are(settings):
    with pytest.raises(UsageError, match=r"Known: .*eng"):
        Runtime(settings).load("packaged:tesseract/martian", Ocr)


def test_without_the_program_the_remedy_is_named(settings, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(MissingPackage, match="apt install tesseract-ocr"):
        Runtime(settings).load("packaged:tesseract/kan", Ocr)
