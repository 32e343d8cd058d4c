"""Sentiment and emotion: words, a face and, if wanted, a tone; a share of the faces contradicts the words.

The valence is -3..3; words carry 0.6 of it, face and tone 0.2 each (without a tone, the face carries 0.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import things, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Shown, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Family, Ground, Wanted, backdrop, put
from alciato.world.tones import mood

Emotion = Literal["joy", "sadness", "anger", "fear", "disgust", "surprise", "neutral"]
SIGNS: dict[Emotion, int] = {
    "joy": 1,
    "surprise": 0,
    "neutral": 0,
    "sadness": -1,
    "anger": -1,
    "fear": -1,
    "disgust": -1,
}
"""Whether an emotion is pleasant."""
EMOTIONS: tuple[Emotion, ...] = (
    "joy",
    "joy",
    "joy",
    "surprise",
    "neutral",
    "neutral",
    "sadness",
    "anger",
    "fear",
    "disgust",
)
"""What is drawn from: pleasant ones, neutral ones and unpleasant ones about equally often."""
WORDS = {emotion: words(emotion) for emotion in SIGNS}
FACES = {emotion: things(f"{emotion} face") for emotion in SIGNS}
STRENGTHS = ("a bit: ", "", "so much: ")
"""What stands before the words, by strength 1..3."""


class SentimentTruth(Truth):
    """What is felt, and what each part says of it. Valences are -3..3."""

    emotion: Emotion
    face_emotion: Emotion
    contradicts: bool
    words_valence: int
    face_valence: int
    tone_valence: int | None
    valence: float
    sentiment: Literal["negative", "neutral", "positive"]
    words: str
    ground: Ground
    objects: tuple[Shown, ...]


class SentimentOptions(Options):
    """Options of sentiment."""

    family: Family = "scene"
    contradicts: float = Field(0.2, ge=0, le=1, description="share of the posts whose face says the opposite")
    sound: bool = Field(False, description="add a tone: major and rising when pleasant, minor and falling when not")


def compose(draw: Draw, options: SentimentOptions) -> Sequence[Composition]:
    """Draw one post."""
    emotion: Emotion = draw.pick(EMOTIONS)
    strength = draw.whole(1, 3)
    contradicts = SIGNS[emotion] != 0 and draw.chance(options.contradicts)
    other: Emotion = draw.pick(("sadness", "anger")) if SIGNS[emotion] > 0 else "joy"
    face_emotion = other if contradicts else emotion
    before = STRENGTHS[strength - 1] if SIGNS[emotion] else ""
    said = before + draw.one(WORDS[emotion])
    face = draw.one(FACES[face_emotion])
    picture, ground = backdrop(draw, options.size, options.family)
    shown = put(
        picture, Wanted(face.name, face.character), draw.real(0.4, 0.6), draw.real(0.42, 0.58), draw.real(0.5, 0.75)
    )
    of_words, of_face = SIGNS[emotion] * strength, SIGNS[face_emotion] * 2
    of_tone = SIGNS[emotion] * draw.whole(1, 3) if options.sound else None
    valence = round(0.6 * of_words + (0.4 * of_face if of_tone is None else 0.2 * (of_face + of_tone)), 2)
    sentiment: Literal["negative", "neutral", "positive"] = (
        "positive" if valence > 0 else "negative" if valence < 0 else "neutral"
    )
    truth = SentimentTruth(
        emotion=emotion,
        face_emotion=face_emotion,
        contradicts=contradicts,
        words_valence=of_words,
        face_valence=of_face,
        tone_valence=of_tone,
        valence=valence,
        sentiment=sentiment,
        words=said,
        ground=ground,
        objects=(shown,),
    )
    content = (Text(text=said), picture, *(() if of_tone is None else (mood(draw, of_tone),)))
    return [Composition(content, truth, sentiment)]


KIND = Kind(
    "sentiment",
    "Words, a face and a tone with a valence of -3..3 and an emotion; some faces contradict the words.",
    compose,
    SentimentTruth,
    SentimentOptions,
)
