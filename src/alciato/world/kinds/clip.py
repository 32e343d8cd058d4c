"""Clip with events in time, speech, words on the screen and metadata; each fact lives in exactly one of them.

vision: what is seen when (a coloured thing that moves in a known way). speech: who has lost what (eSpeak NG).
screen: where it is, written over the frames for a while. metadata: day and weather, only in the item's metadata.
Source of the rule: CLaMR, arXiv 2506.06144. Events are of unequal length; one holds half of the clip or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from pydantic import Field

from alciato.item import Box
from alciato.world.concepts import COLOURS, OBJECTS, PERSONS, Concept, words
from alciato.world.draw import Draw
from alciato.world.glyphs import glyph
from alciato.world.post import Clip, Composition, Line, Recording, Truth
from alciato.world.registry import Bounds, Kind, Options
from alciato.world.setting import Ground, Wanted, backdrop, paste
from alciato.world.speech import spoken
from alciato.world.tones import RATE
from alciato.world.writing import BOLD, WHITE, Ink, fitted, write

Modality = Literal["vision", "speech", "screen", "metadata"]
Motion = Literal["left to right", "right to left", "up", "down", "grows", "stays"]
MOTIONS: tuple[Motion, ...] = ("left to right", "right to left", "up", "down", "grows", "stays")
PLACES = words("place")
WEATHER = ("sunny", "rainy", "foggy", "windy", "snowy")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Event(NamedTuple):
    """Something that happens from `start` to `end`, in seconds; its box in the frame at its middle."""

    name: str
    colour: str
    motion: Motion
    start: float
    end: float
    box: Box


class ClipFact(NamedTuple):
    """One fact: the question, the answer, the one modality that carries it, and when (None: not in time)."""

    question: str
    answer: str
    modality: Modality
    start: float | None
    end: float | None


class ClipTruth(Truth):
    """A clip: what happens, what is said and written when, and which modality carries which fact."""

    seconds: float
    rate: int
    ground: Ground
    events: tuple[Event, ...]
    speech: str | None
    speech_start: float | None
    speech_end: float | None
    screen: Line
    screen_start: float
    screen_end: float
    day: str
    weather: str
    facts: tuple[ClipFact, ...]


class ClipOptions(Options):
    """Options of clips. The size is rounded to an even number."""

    seconds: float = Field(4.0, ge=1, le=60, description="length without what the speech needs more")
    rate: int = Field(8, ge=2, le=30, description="frames a second")
    events: Bounds = Field((2, 4), description="fewest and most events")
    speech: bool = Field(True, description="speak; without it the clip has no sound and is made much faster")


class Sign(NamedTuple):
    """Words on the screen, and when."""

    words: str
    start: float
    end: float


def compose(draw: Draw, options: ClipOptions) -> Sequence[Composition]:
    """Draw one clip."""
    size = options.size // 2 * 2
    ground, named = backdrop(draw, size, "scene")
    things = draw.some(draw.of(OBJECTS), draw.whole(*options.events) + 1)
    person, place = draw.one(PERSONS), draw.one(PLACES)
    said = f"{person} has lost the {things[-1].name}." if options.speech else None
    sound, start, end = _sound(draw, said, options.seconds)
    seconds = max(options.seconds, len(sound.samples) / sound.rate) if sound else options.seconds
    events = _events(draw, things[:-1], seconds)
    sign = Sign(place.upper(), round(draw.real(0, seconds * 0.3), 2), round(draw.real(seconds * 0.7, seconds), 2))
    frames, boxes, line = _frames(ground, events, sign, (seconds, options.rate))
    events = [event._replace(box=box) for event, box in zip(events, boxes, strict=True)]
    day, weather = draw.pick(DAYS), draw.pick(WEATHER)
    facts = _facts(events, (said, start, end, person, things[-1].name), (sign, place), (day, weather))
    truth = ClipTruth(
        seconds=len(frames) / options.rate,
        rate=options.rate,
        ground=named,
        events=tuple(events),
        speech=said,
        speech_start=start,
        speech_end=end,
        screen=line,
        screen_start=sign.start,
        screen_end=sign.end,
        day=day,
        weather=weather,
        facts=facts,
    )
    return [Composition((Clip(frames, options.rate, sound),), truth, None, {"day": day, "weather": weather})]


def _sound(draw: Draw, said: str | None, seconds: float) -> tuple[Recording | None, float | None, float | None]:
    """Speak from a random moment; give the sound track with the seconds where speech begins and ends."""
    if said is None:
        return None, None, None
    voice = spoken(said, draw.pick(("en-us+f2", "en-us", "en-us+m3")))
    start = round(draw.real(0.1, max(0.2, seconds - len(voice) / RATE)), 2)
    before = np.zeros(int(start * RATE), np.float32)
    track = np.concatenate([before, voice])
    after = np.zeros(max(0, int(seconds * RATE) - len(track)), np.float32)
    return Recording(np.concatenate([track, after]), RATE), start, round(len(track) / RATE, 2)


def _events(draw: Draw, things: Sequence[Concept], seconds: float) -> list[Event]:
    """Divide the time: one event, drawn at random, takes half of it or more."""
    shares = [draw.real(0.5, 1.0) for _ in things]
    longest = draw.whole(0, len(things) - 1)
    rest = sum(shares) - shares[longest]
    shares[longest] = max(shares[longest], rest * draw.real(1.0, 2.0))
    bounds = np.concatenate([[0], np.cumsum(shares)]) / sum(shares) * seconds
    colours = draw.some(tuple(COLOURS), len(things))
    return [
        Event(thing.name, colour, draw.pick(MOTIONS), round(float(low), 3), round(float(high), 3), Box(0, 0, 1, 1))
        for thing, colour, low, high in zip(things, colours, bounds[:-1], bounds[1:], strict=True)
    ]


def _frames(
    ground: Image.Image, events: Sequence[Event], sign: Sign, time: tuple[float, int]
) -> tuple[tuple[Image.Image, ...], list[Box], Line]:
    """Draw every frame; give them, the box of each event at its middle, and the words on the screen."""
    seconds, rate = time
    frames, line = [], _lettered(ground.copy(), sign)
    for number in range(max(1, round(seconds * rate))):
        now = number / rate
        frame = ground.copy()
        event = next((one for one in events if one.start <= now < one.end), events[-1])
        _shown(frame, event, now)
        if sign.start <= now <= sign.end:
            _lettered(frame, sign)
        frames.append(frame)
    boxes = [_shown(ground.copy(), event, (event.start + event.end) / 2) for event in events]
    return tuple(frames), boxes, line


def _shown(frame: Image.Image, event: Event, now: float) -> Box:
    """Paste the thing where it is at that moment."""
    along = min(1.0, max(0.0, (now - event.start) / (event.end - event.start)))
    x, y, share = {
        "left to right": (0.2 + 0.6 * along, 0.45, 0.38),
        "right to left": (0.8 - 0.6 * along, 0.45, 0.38),
        "up": (0.5, 0.65 - 0.4 * along, 0.38),
        "down": (0.5, 0.25 + 0.4 * along, 0.38),
        "grows": (0.5, 0.45, 0.2 + 0.4 * along),
        "stays": (0.5, 0.45, 0.45),
    }[event.motion]
    side = max(6, int(frame.width * share) // 2 * 2)
    character = CHARACTERS[event.name]
    mark = glyph(character, side, event.colour)
    place = (frame.width * x - mark.width / 2, frame.height * y - mark.height / 2)
    return paste(frame, Wanted(event.name, character, event.colour), mark, place).box


CHARACTERS = {concept.name: concept.character for concept in OBJECTS.members}


def _lettered(frame: Image.Image, sign: Sign) -> Line:
    height = frame.height // 7
    ImageDraw.Draw(frame).rectangle((0, frame.height - height, frame.width, frame.height), fill=(20, 20, 24))
    face = fitted(sign.words, max(9, height * 2 // 3), int(frame.width * 0.94), BOLD)
    place = (frame.width / 2, frame.height - height / 2 - face.size * 0.72)
    return write(frame, sign.words, place, face, role="screen", ink=Ink(WHITE))


def _facts(
    events: Sequence[Event],
    heard: tuple[str | None, float | None, float | None, str, str],
    seen: tuple[Sign, str],
    told: tuple[str, str],
) -> tuple[ClipFact, ...]:
    said, start, end, person, lost = heard
    sign, place = seen
    facts = [
        ClipFact(f"What does the {event.colour} {event.name} do?", event.motion, "vision", event.start, event.end)
        for event in events
    ]
    if said is not None:
        facts.append(ClipFact(f"What has {person} lost?", lost, "speech", start, end))
    facts.append(ClipFact("Where is this?", place, "screen", sign.start, sign.end))
    facts.append(ClipFact("What day was it?", told[0], "metadata", None, None))
    facts.append(ClipFact("What was the weather like?", told[1], "metadata", None, None))
    return tuple(facts)


KIND = Kind(
    "clip", "Events in time, speech, words on the screen, metadata: each fact in one.", compose, ClipTruth, ClipOptions
)
