"""Posts to learn from: a folder of pictures with a table, red ones and blue ones."""

from __future__ import annotations

import io
from collections.abc import Callable
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
    return _write_folder(tmp_path / "posts", 10)


@pytest.fixture
def write_folder() -> Callable[[Path, int], Path]:
    """A function that writes such a folder with as many pictures of each class as asked for."""
    return _write_folder


def _write_folder(root: Path, count: int) -> Path:
    """Write `count` red and as many blue pictures, and labels.csv with their file names."""
    root.mkdir()
    rows = ["file,label"]
    for number in range(count):
        for name, colour in (("red", (220, 20, 20)), ("blue", (20, 20, 220))):
            (root / f"{name}-{number}.png").write_bytes(square(colour, number))
            rows.append(f"{name}-{number}.png,{name}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root
