"""Concepts of the world: objects with names in fifteen languages, colours, fictional groups, names of persons.

Objects are OpenMoji's; their names in 14 languages come from the package `emoji` (CLDR), the English plurals and the
Bengali names from `data/objects.csv`. All groups, persons and organisations are invented.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from alciato.errors import unknown_name
from alciato.world.draw import Pool
from alciato.world.packages import package

LANGUAGES = ("en", "es", "ja", "ko", "pt", "it", "fr", "de", "fa", "id", "zh", "ru", "tr", "ar", "bn")
"""Languages in which objects have names, ISO 639-1."""

Colour = tuple[int, int, int]
COLOURS: dict[str, Colour] = {
    "red": (222, 52, 46),
    "orange": (245, 142, 36),
    "yellow": (252, 220, 60),
    "green": (72, 172, 72),
    "blue": (66, 126, 226),
    "purple": (146, 84, 198),
    "pink": (246, 146, 196),
    "brown": (150, 100, 62),
}
"""Colours that an object can be painted in."""


class Concept(NamedTuple):
    """A thing that can be shown: its OpenMoji character, English names, category, Bengali name."""

    character: str
    name: str
    plural: str
    category: str
    bengali: str

    def called(self, language: str = "en") -> str:
        """Its name in a language. Raises `UsageError` for one that is not in `LANGUAGES`."""
        return name_of(self.character, language, english=self.name, bengali=self.bengali)

    def counted(self, count: int, colour: str | None = None) -> str:
        """English for so many of it: `a red car`, `three red cars`."""
        painted = f"{colour} " if colour else ""
        if count != 1:
            return f"{NUMBERS[count]} {painted}{self.plural}"
        words = painted + self.name
        return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""English numerals, by value."""


def _read_objects() -> tuple[Concept, ...]:
    with (files("alciato.world") / "data" / "objects.csv").open(encoding="utf-8") as file:
        return tuple(Concept(**row) for row in csv.DictReader(file))


OBJECTS: Pool[Concept] = Pool("object", _read_objects(), key=lambda concept: concept.name)
"""Everyday things: animals, food, vehicles, plants, buildings, instruments, tools, clothing."""


@cache
def _pools() -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load((files("alciato.world") / "data" / "words.yaml").read_text("utf-8")))


def pool_of(name: str) -> Any:
    """What `data/words.yaml` has under that name."""
    return _pools()[name]


def words(name: str) -> Pool[str]:
    """The pool of words of that name, from `data/words.yaml`."""
    return Pool(name, _pools()[name])


class Thing(NamedTuple):
    """A thing with a meaning of its own: its name and OpenMoji character."""

    name: str
    character: str


def things(name: str) -> Pool[Thing]:
    """The pool of things of that name, from `data/words.yaml`."""
    return Pool(name, [Thing(*pair) for pair in _pools()[name].items()], key=lambda thing: thing.name)


class Group(NamedTuple):
    """A fictional group, and how one of it looks."""

    name: str
    one: str
    character: str


GROUPS: Pool[Group] = Pool(
    "group",
    (
        Group("Martians", "Martian", "👽"),
        Group("Robots of Saturn", "Robot of Saturn", "🤖"),
        Group("Ghosts of Pluto", "Ghost of Pluto", "👻"),
        Group("Merfolk of Neptune", "Merman of Neptune", "🧜"),
        Group("Wizards of Mercury", "Wizard of Mercury", "🧙"),
        Group("Vampires of Titan", "Vampire of Titan", "🧛"),
        Group("Fairies of Venus", "Fairy of Venus", "🧚"),
        Group("Genies of Io", "Genie of Io", "🧞"),
        Group("Elves of Europa", "Elf of Europa", "🧝"),
        Group("Invaders of Ceres", "Invader of Ceres", "👾"),
        Group("Dragons of Uranus", "Dragon of Uranus", "🐲"),
        Group("Snowfolk of Charon", "Snowman of Charon", "⛄"),
    ),
    key=lambda group: group.name,
)

PERSONS = words("person")
"""Invented persons."""

ORGANISATIONS = words("organisation")
"""Invented organisations."""

PLACES = words("place")
"""Invented towns."""


def name_of(character: str, language: str, *, english: str = "", bengali: str = "") -> str:
    """Name a character in a language: our English and Bengali names first, else CLDR's.

    Raises:
        UsageError: no such language.
        MissingPackage: the package `emoji` is not installed.
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, list(LANGUAGES))
    if language == "en" and english:
        return english
    if language == "bn":
        return bengali
    return _cldr(language)[character].strip(":").replace("_", " ")


@cache
def _cldr(language: str) -> dict[str, str]:
    emoji = package("emoji", "names of objects in many languages")
    emoji.config.load_language(language)
    found = {character: str(names[language]) for character, names in emoji.EMOJI_DATA.items() if language in names}
    return found | {character.removesuffix("\ufe0f"): name for character, name in found.items()}
