"""Posts to learn from: a folder of pictures with a table, red ones and blue ones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image


def square(colour: tuple[int, int, int], number: int, size: int = 24) -> bytes:
    """A picture of one colour, each with its own shade and side."""
    shade = tuple(max(0, value - number) for value in colour)
    out = io.BytesIO()
    Image.new("RGB", (size + number, size), shade).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty pictures and labels.csv with their file names."""
    root = tmp_path / "posts"
    root.mkdir()
    rows = ["file,label"]
    for number in range(10):
        for name, colour in (("red", (220, 20, 20)), ("blue", (20, 20, 220))):
            (root / f"{name}-{number}.png").write_bytes(square(colour, number))
            rows.append(f"{name}-{number}.png,{name}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root
