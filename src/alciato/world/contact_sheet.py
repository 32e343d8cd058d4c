"""Contact sheet: one image of many posts, each with its pictures, its text and a summary of its truth."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image, ImageDraw

from alciato.item import Table, Text
from alciato.world.letters import PLAIN, typeface
from alciato.world.post import Clip, Content, Recording, WorldPost

CELL, GAP, LINE = 264, 12, 15
"""Pixels of a picture on the sheet, between posts, and from line to line."""
LINES = 11


def sheet(posts: Iterable[WorldPost], columns: int = 4) -> Image.Image:
    """Draw the posts in rows of `columns`, each with what it says and what is true of it."""
    cells = [_cell(post) for post in posts]
    width, height = CELL + GAP, CELL + LINES * LINE + GAP
    rows = max(1, -(-len(cells) // columns))
    whole = Image.new("RGB", (columns * width + GAP, rows * height + GAP), "white")
    for number, cell in enumerate(cells):
        whole.paste(cell, (GAP + number % columns * width, GAP + number // columns * height))
    return whole


def _cell(post: WorldPost) -> Image.Image:
    made = Image.new("RGB", (CELL, CELL + LINES * LINE), (244, 244, 246))
    pictures = [picture for content in post.content for picture in _seen(content)]
    for picture, place, side in _tiled(pictures):
        made.paste(_fit(picture, side), place)
    below = 4 + (CELL if pictures else 0)
    draw = ImageDraw.Draw(made)
    told = [(post.id + (f"  [{post.label}]" if post.label else ""), (150, 30, 30))]
    told += [(line, (20, 20, 24)) for content in post.content for line in _said(content)]
    told += [(f"cue: {post.cue}", (130, 20, 120))] if post.cue is not None else []
    told += [(f"truth: {_brief(post)}", (30, 70, 140))]
    for words, colour in told:
        for line in _folded(words):
            if below + LINE > made.height:
                return made
            draw.text((4, below), line, font=typeface(line, 12, PLAIN), fill=colour)
            below += LINE
    return made


def _seen(content: Content) -> list[Image.Image]:
    if isinstance(content, Image.Image):
        return [content]
    if isinstance(content, Clip):
        count = len(content.frames)
        return [content.frames[number * count // 9] for number in range(min(9, count))]
    return []


def _tiled(pictures: list[Image.Image]) -> Iterable[tuple[Image.Image, tuple[int, int], int]]:
    across = next(number for number in range(1, 100) if number * number >= len(pictures))
    side = CELL // across
    for number, picture in enumerate(pictures):
        yield picture, (number % across * side, number // across * side), side - (2 if across > 1 else 0)


def _fit(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _said(content: Content) -> list[str]:
    if isinstance(content, Text):
        return [f"{content.name or 'text'}: {content.text}"]
    if isinstance(content, Table):
        return [" | ".join(content.columns), *(" | ".join(map(str, row)) for row in content.rows[:4])]
    if isinstance(content, Recording):
        return [f"sound: {len(content.samples) / content.rate:.1f} s"]
    if isinstance(content, Clip):
        return [f"clip: {len(content.frames) / content.rate:.1f} s, {'with' if content.sound else 'no'} sound"]
    return []


def _brief(post: WorldPost) -> str:
    """The scalar facts of the truth; lists are in the files."""
    facts = post.truth.model_dump(mode="json")
    return ", ".join(f"{name}={value}" for name, value in facts.items() if isinstance(value, str | int | float | bool))


def _folded(words: str, width: int = CELL - 8) -> list[str]:
    lines = [""]
    for word in words.replace("\n", " ").split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if typeface(longer, 12, PLAIN).getlength(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
