"""Screenshot of a chat or of a feed: who wrote what, when, and where on the screen each message stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw
from pydantic import Field

from alciato.item import Box
from alciato.world.concepts import GROUPS, OBJECTS, PERSONS, Colour, Concept, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Line, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Wanted, backdrop, put
from alciato.world.writing import BOLD, INK, WHITE, Block, Ink, fitted, height_of, paragraph, write

CHAT_LINES, FEED_LINES = words("chat line"), words("feed line")


class ScreenshotMessage(NamedTuple):
    """One message: by whom, whether by the owner of the telephone, when, how liked (feed), and its box."""

    author: str
    words: str
    own: bool
    time: str
    likes: int | None
    box: Box


class Skin(NamedTuple):
    """Colours of an application."""

    ground: Colour
    bar: Colour
    theirs: Colour
    ours: Colour
    ink: Colour


SKINS = (
    Skin((236, 229, 221), (40, 120, 104), WHITE, (206, 242, 196), INK),
    Skin((22, 26, 34), (36, 44, 56), (50, 58, 72), (24, 92, 120), (240, 240, 240)),
    Skin((244, 244, 250), (88, 86, 190), (226, 226, 236), (190, 206, 255), INK),
)


class ScreenshotTruth(Truth):
    """A screenshot: its messages from top to bottom, all its words, the things shown."""

    app: Literal["chat", "feed"]
    title: str
    messages: tuple[ScreenshotMessage, ...]
    lines: tuple[Line, ...]
    objects: tuple[Shown, ...]


class ScreenshotOptions(Options):
    """Options of screenshots. A screenshot is one and a half times as high as wide."""

    size: int = Field(192, ge=96, le=2048, description="pixels of the width")
    app: Literal["chat", "feed", "any"] = "any"


def compose(draw: Draw, options: ScreenshotOptions) -> Sequence[Composition]:
    """Draw one screenshot."""
    app = draw.pick(("chat", "feed")) if options.app == "any" else options.app
    skin = draw.pick(SKINS)
    screen = Image.new("RGB", (options.size, options.size * 3 // 2), skin.ground)
    title = draw.one(GROUPS).name if app == "chat" else "Today"
    unit = options.size / 16  # of letters and distances
    ImageDraw.Draw(screen).rectangle((0, 0, options.size, unit * 2.2), fill=skin.bar)
    bar = Ink(WHITE)
    face = fitted(title, int(unit * 1.2), int(unit * 14), BOLD)
    lines = [write(screen, title, (unit, unit * 0.25), face, role="title", ink=bar, align="left")]
    drawn = _chat(draw, screen, skin) if app == "chat" else _feed(draw, screen, skin)
    messages, more, objects = drawn
    truth = ScreenshotTruth(
        app=app, title=title, messages=tuple(messages), lines=(*lines, *more), objects=tuple(objects)
    )
    return [Composition((screen,), truth, app)]


Drawn = tuple[list[ScreenshotMessage], list[Line], list[Shown]]


def _chat(draw: Draw, screen: Image.Image, skin: Skin) -> Drawn:
    unit, paper = screen.width / 16, ImageDraw.Draw(screen)
    people = draw.some(draw.of(PERSONS), 2)
    said = draw.some(draw.of(CHAT_LINES), min(draw.whole(4, 6), len(draw.of(CHAT_LINES))))
    messages: list[ScreenshotMessage] = []
    lines: list[Line] = []
    top, minute = unit * 2.8, draw.whole(0, 40)
    hour = draw.whole(7, 22)
    for words_, own in zip(said, _turns(draw, len(said)), strict=True):
        author = "me" if own else draw.pick(people)
        minute += draw.whole(1, 4)
        left, width = (unit * 4.4 if own else unit * 0.6), unit * 11
        bottom = top + unit * (0.7 if own else 1.8) + height_of(words_, _block(unit, skin))
        if bottom > screen.height - unit * 0.3:
            break  # the rest of the talk is below the screen
        box = Box(left, top, left + width, bottom)
        paper.rounded_rectangle(box, unit * 0.7, fill=skin.ours if own else skin.theirs)
        inner = _bubble_words(screen, author, words_, (left + unit * 0.5, top + unit * 0.3), skin)
        lines += inner
        messages.append(ScreenshotMessage(author, words_, own, f"{hour:02}:{minute:02}", None, box))
        top = box.bottom + unit * 0.5
    return messages, lines, []


def _turns(draw: Draw, count: int) -> list[bool]:
    """Who speaks: the owner or another, at least one of each."""
    first = draw.chance(0.5)
    return [first, not first, *(draw.chance(0.5) for _ in range(count - 2))]


def _block(unit: float, skin: Skin) -> Block:
    return Block(int(unit * 1.05), int(unit * 10), 2, ink=Ink(skin.ink))


def _bubble_words(screen: Image.Image, author: str, said: str, place: tuple[float, float], skin: Skin) -> list[Line]:
    unit, top = screen.width / 16, place[1]
    lines: list[Line] = []
    if author != "me":
        face = fitted(author, int(unit * 0.85), int(unit * 9), BOLD)
        lines.append(write(screen, author, place, face, role="author", ink=Ink(skin.ink), align="left"))
        top += unit * 1.1
    more, _ = paragraph(screen, said, (place[0], top), _block(unit, skin), "message")
    return lines + more


def _feed(draw: Draw, screen: Image.Image, skin: Skin) -> Drawn:
    unit, paper = screen.width / 16, ImageDraw.Draw(screen)
    authors, things = draw.some(draw.of(PERSONS), 2), draw.some(draw.of(OBJECTS), 2)
    said = draw.some(draw.of(FEED_LINES), 2)
    messages: list[ScreenshotMessage] = []
    lines: list[Line] = []
    objects = []
    for number, (author, thing, words_) in enumerate(zip(authors, things, said, strict=True)):
        top = unit * (2.7 + 10.5 * number)
        box = Box(unit * 0.5, top, unit * 15.5, top + unit * 10)
        paper.rounded_rectangle(box, unit * 0.5, fill=skin.theirs)
        likes, time = draw.whole(2, 990), f"{draw.whole(2, 23)} h"
        lines += _card_words(screen, (author, words_, f"{likes} likes", time), top, skin)
        objects.append(_card_picture(draw, screen, thing, top + unit * 3.9))
        messages.append(ScreenshotMessage(author, words_, False, time, likes, box))
    return messages, lines, objects


def _card_words(screen: Image.Image, told: tuple[str, str, str, str], top: float, skin: Skin) -> list[Line]:
    unit, ink = screen.width / 16, Ink(skin.ink)
    author, said, likes, time = told
    name = fitted(author, int(unit), int(unit * 8), BOLD)
    lines = [write(screen, author, (unit, top + unit * 0.2), name, role="author", ink=ink, align="left")]
    small = fitted(time, int(unit * 0.85), int(unit * 4))
    lines.append(write(screen, time, (unit * 15, top + unit * 0.3), small, role="time", ink=ink, align="right"))
    more, _ = paragraph(screen, said, (unit, top + unit * 1.4), Block(int(unit), int(unit * 14), 2, ink=ink), "message")
    face = fitted(likes, int(unit * 0.85), int(unit * 6))
    return [*lines, *more, write(screen, likes, (unit, top + unit * 8.6), face, role="likes", ink=ink, align="left")]


def _card_picture(draw: Draw, screen: Image.Image, thing: Concept, top: float) -> Shown:
    unit = screen.width / 16
    small, _ = backdrop(draw, (int(unit * 14), int(unit * 4.6)), "scene")
    shown = put(small, Wanted(thing.name, thing.character), draw.real(0.25, 0.75), 0.5, 0.28)
    left, upper = int(unit), int(top)
    screen.paste(small, (left, upper))
    box = Box(shown.box.left + left, shown.box.top + upper, shown.box.right + left, shown.box.bottom + upper)
    return shown._replace(box=box)


KIND = Kind(
    "screenshot",
    "Screenshot of a chat or a feed: who wrote what, when and where.",
    compose,
    ScreenshotTruth,
    ScreenshotOptions,
)
