"""Dialogue over sessions and speakers: some facts are said, others only seen in a picture or heard in a sound.

Source of the task: M3C, arXiv 2506.00421. A dialogue is a set of three posts, one a session; the last asks about
facts of the earlier ones, and about one that was never told (the answer is `unknown`).
A part of a turn is named by its speaker. `depicts` tells what a picture of the turn's words would show, if anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from alciato.item import Text
from alciato.world.concepts import COLOURS, NUMBERS, OBJECTS, PERSONS, words
from alciato.world.draw import Draw
from alciato.world.post import Composition, Content, Truth
from alciato.world.registry import Kind, Options
from alciato.world.setting import Wanted, backdrop, put
from alciato.world.tones import NOTES, beeps

SESSIONS = 3
How = Literal["said", "seen", "heard", "never"]
SAID, TALK, PLACES = words("said fact"), words("talk line"), words("place")


class Turn(NamedTuple):
    """One turn: speaker, words, the position of its words in the item, and of its picture or sound, if there is one."""

    speaker: str
    words: str
    part: int
    media: int | None
    depicts: str | None


class Memory(NamedTuple):
    """A fact that can be asked for later: how it came about, in which session and part, the question and the answer."""

    how: How
    session: int | None
    part: int | None
    question: str
    answer: str


class DialogueTruth(Truth):
    """One session of a dialogue; the questions are asked in the last one."""

    session: int
    speakers: tuple[str, ...]
    turns: tuple[Turn, ...]
    facts: tuple[Memory, ...]
    questions: tuple[Memory, ...]


class DialogueOptions(Options):
    """Options of dialogues."""

    speakers: int = Field(3, ge=2, le=4)
    talk: int = Field(3, ge=0, le=10, description="turns of small talk in a session")
    sounds: bool = Field(True, description="some facts are heard in tones")


def compose(draw: Draw, options: DialogueOptions) -> Sequence[Composition]:
    """Draw the sessions of one dialogue."""
    people = tuple(draw.some(draw.of(PERSONS), options.speakers))
    asked: list[Memory] = []
    # Nobody tells twice of the same sort of thing, so that every question has one answer.
    claims = draw.some([(person, opening) for person in people for opening in draw.of(SAID)], SESSIONS)
    made = []
    for session in range(SESSIONS):
        writer = DialogueSession(draw, options, people, session)
        writer.write(claims[session])
        questions = writer.ask(asked) if session == SESSIONS - 1 else ()
        asked += writer.facts
        truth = DialogueTruth(
            session=session,
            speakers=people,
            turns=tuple(writer.turns),
            facts=tuple(writer.facts),
            questions=questions,
        )
        reply = session - 1 if session else None
        made.append(Composition(tuple(writer.content), truth, f"session {session + 1}", {}, reply))
    return made


class DialogueSession:
    """One session while it is written."""

    def __init__(self, draw: Draw, options: DialogueOptions, people: Sequence[str], number: int) -> None:
        self.content: list[Content] = []
        self.turns: list[Turn] = []
        self.facts: list[Memory] = []
        self._draw, self._options, self._people, self._number = draw, options, people, number

    def write(self, claim: tuple[str, str]) -> None:
        """Tell, show and let hear one fact each, then talk of other things."""
        self.tell(*claim)
        self.show()
        if self._options.sounds:
            self.sound()
        self.chat()

    def ask(self, facts: Sequence[Memory]) -> tuple[Memory, ...]:
        """Ask for all the facts, and for one that nobody told, in random order."""
        absent = Memory("never", None, None, f"What is {self._people[-1]}'s favourite number?", "unknown")
        questions = self._draw.some([*facts, absent], len(facts) + 1)
        for question in questions:
            self.say(self._draw.pick(self._people), question.question)
        return tuple(questions)

    def say(self, speaker: str, said: str, media: Content | None = None, depicts: str | None = None) -> None:
        """Add a turn, with what it shows or lets hear."""
        part = len(self.content)
        self.content.append(Text(text=said, name=speaker))
        if media is not None:
            self.content.append(media)
        self.turns.append(Turn(speaker, said, part, None if media is None else part + 1, depicts))

    def tell(self, person: str, opening: str) -> None:
        """Say a fact in words."""
        place = self._draw.one(PLACES)
        question = f"{person} said: {opening} which town?"
        self.facts.append(Memory("said", self._number, len(self.content), question, place))
        self.say(person, f"{opening} {place}")

    def show(self) -> None:
        """Show a thing whose colour is not said."""
        concept, colour = self._draw.one(OBJECTS), self._draw.pick(tuple(COLOURS))
        person = self._draw.pick(self._people)
        picture, _ = backdrop(self._draw, self._options.size)
        put(picture, Wanted(concept.name, concept.character, colour), 0.5, 0.5, self._draw.real(0.5, 0.7))
        self.facts.append(Memory("seen", self._number, len(self.content) + 1, self._asking(concept.name), colour))
        self.say(person, f"look at my {concept.name}", picture, f"{colour} {concept.name}")

    def _asking(self, thing: str) -> str:
        return f"In session {self._number + 1}, what colour was the {thing}?"

    def sound(self) -> None:
        """Let hear a tone whose pitch and number are not said."""
        note, count = self._draw.pick(tuple(NOTES)), self._draw.whole(1, 4)
        question = f"In session {self._number + 1}, what was to be heard?"
        answer = f"{NUMBERS[count]} {note} tone{'s' if count > 1 else ''}"
        self.facts.append(Memory("heard", self._number, len(self.content) + 1, question, answer))
        self.say(self._draw.pick(self._people), "listen to this", beeps(NOTES[note], count))

    def chat(self) -> None:
        """Add small talk, which no question is about."""
        lines = self._draw.some(self._draw.of(TALK), self._options.talk)
        for line in lines:
            self.say(self._draw.pick(self._people), line)


KIND = Kind(
    "dialogue",
    "Three sessions of several speakers: facts said, seen or heard, asked for in the last.",
    compose,
    DialogueTruth,
    DialogueOptions,
    members=SESSIONS,
    ordered=True,
)
