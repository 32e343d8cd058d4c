"""A column `parts` keeps the order of the parts, and tables."""

import io
import json

import pytest
from PIL import Image

from alciato.errors import BadMedia
from alciato.item import Table, Text
from alciato.sources.datasets import from_row


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(file, "PNG")
    return file.getvalue()


TOLD = [
    {"type": "image", "path": "a.png"},
    {"type": "text", "text": "between", "name": "caption"},
    {"type": "table", "columns": ["a", "b"], "rows": [[1, "x"]], "name": "t"},
    {"type": "image", "path": "a.png"},
]


@pytest.mark.parametrize("written", [TOLD, json.dumps(TOLD)])
def test_parts_stand_in_their_order(written):
    post = from_row({"id": "p", "text": "all words", "parts": written}, open_path=lambda _: _png())
    assert [part.type for part in post.item.parts] == ["image", "text", "table", "image"]
    assert post.item.parts[1] == Text(text="between", name="caption")
    assert post.item.parts[2] == Table(columns=("a", "b"), rows=((1, "x"),), name="t")
    assert "parts" not in post.item.metadata


@pytest.mark.parametrize("other", ["[1, 2", "some words", 3, ["a"], [{"type": "wheel"}], [{"type": "image"}], []])
def test_a_column_of_that_name_that_holds_no_parts_is_metadata(other):
    post = from_row({"text": "all words", "parts": other})
    assert [part.type for part in post.item.parts] == ["text"]
    assert "parts" in post.item.metadata


def test_a_ragged_table_says_what_is_wrong():
    told = [{"type": "table", "columns": ["a"], "rows": [[1, 2]]}]
    with pytest.raises(BadMedia, match="a table part is not understood.*row 0 has 2 cells"):
        from_row({"text": "x", "parts": told})
