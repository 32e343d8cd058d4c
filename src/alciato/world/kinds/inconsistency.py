"""Inconsistent artefact: a page of elements (pictures and lines) of which one or two contradict, in five categories.

Source of the categories and of the element list: MMIR, arXiv 2502.16033. Ids count from 1, left to right, top to
bottom. A page is a shelf of cards; every card is right but the one into which the fault was put.
factual contradiction: two lines name different materials. identity misattribution: the name is not that of the thing
shown. contextual mismatch: one grim line among cheerful ones. quantitative discrepancy: the name's number is not that
in the picture. temporal/spatial incoherence: sold before it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw
from pydantic import Field

from alciato.item import Box, Text
from alciato.world.concepts import COLOURS, OBJECTS, Colour, Concept, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Truth
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.setting import Wanted, backdrop, scatter
from alciato.world.writing import BOLD, Block, around, paragraph

Category = Literal[
    "factual contradiction",
    "identity misattribution",
    "contextual mismatch",
    "quantitative discrepancy",
    "temporal/spatial incoherence",
]
CATEGORIES: tuple[Category, ...] = (
    "factual contradiction",
    "identity misattribution",
    "contextual mismatch",
    "quantitative discrepancy",
    "temporal/spatial incoherence",
)
ROLES: dict[Category, tuple[str, ...]] = {
    "factual contradiction": ("material", "care"),
    "identity misattribution": ("picture", "name"),
    "contextual mismatch": ("tone",),
    "quantitative discrepancy": ("picture", "name"),
    "temporal/spatial incoherence": ("made", "sold"),
}
"""The elements of a card that a fault of this category sets against each other."""
PAIRS = (("material", "care"), ("made", "sold"), ("tone",))
"""Lines that a card may have besides picture and name; those of a pair come together."""
MATERIALS, CHEERFUL, GRIM = words("material"), words("cheerful line"), words("grim line")


class Element(NamedTuple):
    """One element of the page: its id (from 1), kind, content (a picture's description), role and box."""

    id: int
    kind: Literal["image", "text"]
    content: str
    role: str
    box: Box


class InconsistencyTruth(Truth):
    """A page: its elements, and which of them contradict."""

    category: Category | None
    conflict: tuple[int, ...]
    modality: Literal["single text", "text-text", "image-text"] | None
    reason: str | None
    elements: tuple[Element, ...]


class InconsistencyOptions(Options):
    """Options of inconsistent pages."""

    size: int = Field(384, ge=192, le=2048, description="pixels of the page's side")
    cards: Bounds = Field((2, 4), description="fewest and most cards; a card has 3 to 6 elements")
    category: Category | None = Field(None, description="this category only")
    consistent: float = Field(0.0, ge=0, le=1, description="share of the pages without a fault")


class Card(NamedTuple):
    """What one card says: what is in the picture, and its lines by role."""

    wanted: tuple[Wanted, ...]
    shows: str
    lines: dict[str, str]


def compose(draw: Draw, options: InconsistencyOptions) -> Sequence[Composition]:
    """Draw one page."""
    sound = draw.chance(options.consistent)
    category = None if sound else (options.category or draw.pick(CATEGORIES))
    count = min(draw.whole(*options.cards), len(draw.of(OBJECTS)) - 1)
    faulty = draw.whole(0, count - 1)
    things = draw.some(draw.of(OBJECTS), count + 1)
    cards = [
        _card(draw, thing, things[-1], category if place == faulty else None) for place, thing in enumerate(things[:-1])
    ]
    page, elements = _page(draw, options.size, cards)
    roles = () if category is None else ROLES[category]
    conflict = [element for element, card in elements if card == faulty and element.role in roles]
    truth = InconsistencyTruth(
        category=category,
        conflict=tuple(element.id for element in conflict),
        modality=None if sound else _modality(conflict),
        reason=None if sound else " / ".join(element.content for element in conflict),
        elements=tuple(element for element, _ in elements),
    )
    question = Text(text="One or two elements of this page do not fit. Which?", name="question")
    return [Composition((page, question), truth, category or "consistent")]


def _modality(conflict: Sequence[Element]) -> Literal["single text", "text-text", "image-text"]:
    if len(conflict) == 1:
        return "single text"
    return "image-text" if any(element.kind == "image" for element in conflict) else "text-text"


def _card(draw: Draw, thing: Concept, other: Concept, fault: Category | None) -> Card:
    """Write one card, with the fault if there is one. Which lines it has does not tell whether it has a fault."""
    number, colour = draw.whole(1, 4), draw.pick(tuple(COLOURS))
    material, wrong = draw.some(draw.of(MATERIALS), 2)
    made = draw.whole(1990, 2020)
    sold = made + (-draw.whole(2, 9) if fault == "temporal/spatial incoherence" else draw.whole(1, 4))
    told = number % 4 + 1 if fault == "quantitative discrepancy" else number
    named = other if fault == "identity misattribution" else thing
    lines = {
        "name": named.counted(told, colour),
        "material": f"made of {material}",
        "care": f"pure {wrong if fault == 'factual contradiction' else material}",
        "made": f"designed in {made}",
        "sold": f"sold since {sold}",
        "tone": draw.one(GRIM if fault == "contextual mismatch" else CHEERFUL),
    }
    needed = ROLES[fault] if fault else ()
    chosen = {role for pair in PAIRS if draw.chance(0.5) or set(pair) & set(needed) for role in pair} | {"name"}
    wanted = (Wanted(thing.name, thing.character, colour),) * number
    return Card(wanted, thing.counted(number, colour), {role: line for role, line in lines.items() if role in chosen})


def _page(draw: Draw, size: int, cards: Sequence[Card]) -> tuple[Image.Image, list[tuple[Element, int]]]:
    """Draw the cards in two columns; give each element with the number of its card."""
    tint: Colour = draw.pick(((250, 248, 242), (240, 246, 252), (248, 242, 250), (242, 250, 242)))
    page = Image.new("RGB", (size, size), tint)
    rows = -(-len(cards) // 2)
    elements: list[tuple[Element, int]] = []
    for number, card in enumerate(cards):
        width, height = size // 2, size // rows
        place = Box(
            number % 2 * width + 5,
            number // 2 * height + 5,
            (number % 2 + 1) * width - 5,
            (number // 2 + 1) * height - 5,
        )
        ImageDraw.Draw(page).rounded_rectangle(place, 6, fill=(255, 255, 255), outline=(200, 200, 206))
        for kind, content, role, box in _drawn(draw, page, card, place):
            elements.append((Element(len(elements) + 1, kind, content, role, box), number))
    return page, elements


def _drawn(
    draw: Draw, page: Image.Image, card: Card, place: Box
) -> list[tuple[Literal["image", "text"], str, str, Box]]:
    """Draw a card: the picture above, its lines below."""
    inner, tall = int(place.right - place.left) - 12, int(place.bottom - place.top)
    high = int(min(tall * 0.46, inner * 0.62))
    small, _ = backdrop(draw, (inner, high), "scene")
    scatter(draw, small, card.wanted)
    left, top = int(place.left) + 6, int(place.top) + 6
    page.paste(small, (left, top))
    found: list[tuple[Literal["image", "text"], str, str, Box]] = [
        ("image", card.shows, "picture", Box(left, top, left + inner, top + high))
    ]
    size = max(9, min(15, page.width // 27, int((tall - high - 12) / (1.35 * len(card.lines)))))
    below = float(top + high + 3)
    for role, line in card.lines.items():
        block = Block(size, inner, 1, BOLD if role == "name" else 400)
        written, below = paragraph(page, line, (left, below), block, role)
        found.append(("text", line, role, around(one.box for one in written)))
    return found


KIND = Kind(
    "inconsistency",
    "A page of which one or two elements contradict, in the five categories of MMIR.",
    compose,
    InconsistencyTruth,
    InconsistencyOptions,
)
