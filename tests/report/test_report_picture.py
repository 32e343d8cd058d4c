"""`docs/report.png` is the report as it looks today."""

import pytest
from PIL import Image

from tool_loading import load_tool


@pytest.fixture(scope="module")
def tool():
    return load_tool("report_picture")


def test_the_picture_of_the_report_is_not_old_and_shows_boxes(tool):
    told = tool.recorded()
    assert told["digest"] == tool.digest(), "run: python tools/report_picture.py --write"
    assert told["boxes"] >= 2
    with Image.open(tool.PICTURE) as picture:
        assert picture.size == (tool.SIZE["width"], tool.SIZE["height"])


def test_a_change_of_the_page_makes_the_picture_old_and_a_comment_does_not(tool, tmp_path, monkeypatch):
    source, style = tmp_path / "cards.py", tmp_path / "report.css"
    source.write_text("a = 1\n")
    style.write_text("p { margin: 0 }")
    monkeypatch.setattr(tool, "SHOWN", (source, style))
    first = tool.digest()
    source.write_text("a  =  1  # why\n")
    assert tool.digest() == first
    style.write_text("p { margin: 1px }")
    second = tool.digest()
    source.write_text("a = 2\n")
    assert len({first, second, tool.digest()}) == 3


def test_a_picture_of_another_origin_says_nothing(tool, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "other.png")
    assert tool.recorded(tmp_path / "other.png") == {}
