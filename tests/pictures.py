"""Small real pictures for tests."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont


def picture(path: Path, words: str, colour: str = "navy", size: tuple[int, int] = (320, 200)) -> Path:
    """Write a picture with words on it, in the format that its name says."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).text((12, 30), words, fill="white", font=ImageFont.load_default(28))
    image.save(path)
    return path
