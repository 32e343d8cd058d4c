"""What counts as an answer, with the packaged encoder."""

from pathlib import Path

import yaml

from alciato.ask.citations import passages
from alciato.ask.support import HELD, Measure
from alciato.demo.catalogue import catalogue
from alciato.item import Segment

QUESTIONS = yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text("utf-8"))


def test_an_answer_in_another_language_stands_above_chance(encoder, space):
    measure = Measure("What did the wedding photographer take pictures of?", encoder, space)
    supports = measure.support(["Фотограф на свадьбе снял только торт.", "Опять отключили горячую воду."])
    assert supports[0] > HELD > supports[1]


def test_no_texts_give_no_supports(encoder, space):
    assert Measure("Who?", encoder, space).support([]).shape == (0,)


def test_what_is_held_and_what_is_not_is_told_apart(encoder, space):
    texts = [" ".join(post.lines) or post.text or ". ".join(post.spoken) for post in catalogue().posts]
    texts += [text for page in catalogue().newsletter for text in page.paragraphs]
    segments = [Segment(id=str(n), item=str(n), part=0, kind="body", text=text) for n, text in enumerate(texts)]
    sentences = [one.text for one in passages(segments)]
    held = [(Measure(row["q"], encoder, space).support(sentences).max() >= HELD, bool(row["a"])) for row in QUESTIONS]
    assert sum(found and there for found, there in held) >= 20  # of 24
    assert sum(found and not there for found, there in held) <= 2  # of 16; search cuts most of these before
