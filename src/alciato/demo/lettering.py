"""Words on pictures, as people put them there: meme capitals, a caption below, a sign, a chat, a feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from alciato.world.letters import BLACK, BOLD, PLAIN, pictograph, typeface

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
INK: Colour = (24, 24, 28)


def meme(picture: Image.Image, top: str, bottom: str) -> Image.Image:
    """Lay white capitals with a black outline over the top and the bottom of a copy of the picture."""
    made = picture.convert("RGB")
    if top:
        _outlined(made, top, made.height * 0.03, from_top=True)
    if bottom:
        _outlined(made, bottom, made.height * 0.03, from_top=False)
    return made


def captioned(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """Set dark words on a white band below the picture."""
    size = max(18, picture.width // 20)
    band = int(size * 1.5) * len(lines) + size
    made = Image.new("RGB", (picture.width, picture.height + band), WHITE)
    made.paste(picture.convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(made)
    for row, line in enumerate(lines):
        place = (size, picture.height + size // 2 + int(row * size * 1.5))
        draw.text(place, line, font=_fitting(line, size, made.width - 2 * size, BOLD), fill=INK)
    return made


def sign(lines: Sequence[str], *, board: Colour, letters: Colour, emblem: str = "") -> Image.Image:
    """Paint a sign: a board on a post before a sky, with the lines centred on it, an emblem above them."""
    made = Image.new("RGB", (640, 480), (172, 206, 232))
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, 420, 640, 480), fill=(120, 158, 96))
    draw.rectangle((306, 300, 334, 470), fill=(110, 96, 84))
    draw.rounded_rectangle((50, 40, 590, 370), 24, fill=board, outline=letters, width=6)
    if emblem:
        draw.text((320, 105), emblem, font=pictograph(100), anchor="mm", embedded_color=True, fill=letters)
    first, last = (180 if emblem else 110), 340
    step = (last - first) / max(len(lines), 2)
    for row, line in enumerate(lines):
        place = (320, first + step * (row + 0.35))
        draw.text(place, line, font=_fitting(line, min(46, int(step * 0.78)), 500, BOLD), fill=letters, anchor="mm")
    return made


@dataclass(frozen=True)
class Bubble:
    """One message of a chat: the words, and whether the owner of the telephone wrote them."""

    words: str
    own: bool = False


def chat(title: str, bubbles: Sequence[Bubble], *, dark: bool = False) -> Image.Image:
    """Draw a screenshot of a chat."""
    ground, bar, theirs, ours, ink = _CHAT_COLOURS[dark]
    made = Image.new("RGB", (540, 110 + 92 * len(bubbles)), ground)
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, 0, 540, 74), fill=bar)
    draw.ellipse((18, 14, 64, 60), fill=ours)
    draw.text((84, 37), title, font=typeface(title, 26, BOLD), fill=ink, anchor="lm")
    for row, bubble in enumerate(bubbles):
        face = _fitting(bubble.words, 24, 440, PLAIN)
        width = draw.textlength(bubble.words, font=face) + 40
        left, top = (540 - 16 - width if bubble.own else 16), 96 + 92 * row
        draw.rounded_rectangle((left, top, left + width, top + 66), 20, fill=ours if bubble.own else theirs)
        draw.text((left + 20, top + 33), bubble.words, font=face, fill=ink, anchor="lm")
    return made


_CHAT_COLOURS: dict[bool, tuple[Colour, Colour, Colour, Colour, Colour]] = {
    False: ((236, 229, 221), (214, 232, 222), WHITE, (200, 240, 190), INK),
    True: ((18, 22, 28), (34, 40, 50), (44, 52, 64), (24, 92, 84), (240, 240, 240)),
}


def _outlined(made: Image.Image, words: str, margin: float, *, from_top: bool) -> None:
    draw = ImageDraw.Draw(made)
    size = max(16, min(made.height // 9, made.width // 11))
    face = _fitting(words, size, int(made.width * 0.93), BLACK)
    anchor, y = ("ma", margin) if from_top else ("md", made.height - margin)
    stroke = max(2, int(face.size) // 12)
    draw.text(
        (made.width / 2, y), words, font=face, fill=WHITE, stroke_width=stroke, stroke_fill=(0, 0, 0), anchor=anchor
    )


def _fitting(words: str, size: int, width: int, weight: int) -> ImageFont.FreeTypeFont:
    """The largest face up to `size` in which the words fit the width."""
    face = typeface(words, size, weight)
    while face.getlength(words) > width and size > 8:
        size -= 1
        face = typeface(words, size, weight)
    return face
