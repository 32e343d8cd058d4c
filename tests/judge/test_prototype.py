from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from alciato.errors import UsageError
from alciato.item import Finding, Reading
from alciato.judge.calibration import Curve, score
from alciato.judge.decide import verdict_for
from alciato.judge.policy import Policy, load_policy
from alciato.judge.space import embed, form_of, margin, spaces_of
from alciato.judge.strategies.prototype import Prototype
from alciato.judge.strategy import Judgement, Unjudged
from alciato.models import Embeddings, Encoder, Runtime
from alciato.read.content import Content
from alciato.read.language import detect
from alciato.settings import Settings, load_settings


def segment_rows(generator, rows, dimension=5):
    vectors = generator.normal(size=(rows, dimension))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_margin_equals_the_formula_written_as_loops():
    generator = np.random.default_rng(0)
    x, examples, benign = (segment_rows(generator, n) for n in (4, 3, 6))
    width, sharpness = 0.13, 2.6
    loops = [
        (
            math.log(sum(math.exp(sharpness * float(v @ p) / width) for p in examples))
            - math.log(sum(math.exp(sharpness * float(v @ n) / width) for n in benign))
        )
        / sharpness
        for v in x
    ]
    assert margin(x, examples, benign, width, sharpness) == pytest.approx(loops)


def test_order_does_not_matter_one_more_example_never_lowers_and_one_more_benign_never_raises():
    generator = np.random.default_rng(1)
    x, examples, benign = (segment_rows(generator, n) for n in (4, 3, 6))
    plain = margin(x, examples, benign, 0.1)
    assert margin(x, examples[::-1], benign[::-1], 0.1) == pytest.approx(plain)
    assert np.isfinite(margin(x, segment_rows(generator, 1).repeat(2, 0), benign, 0.1)).all()
    twice = margin(x, examples.repeat(2, 0), benign, 0.1, sharpness=2.0)
    assert twice - margin(x, examples, benign, 0.1, sharpness=2.0) == pytest.approx(math.log(2) / 2.0)
    assert (margin(x, np.concatenate([examples, segment_rows(generator, 1)]), benign, 0.1) >= plain).all()
    assert (margin(x, examples, np.concatenate([benign, segment_rows(generator, 1)]), 0.1) <= plain).all()


def test_no_examples_never_match():
    x = segment_rows(np.random.default_rng(2), 2)
    assert (score(margin(x, x[:0], x, 0.1), Curve(1.0, 0.0)) < 1e-9).all()


def test_margins_of_all_categories_are_those_of_the_formula(encoder, policy):
    space = spaces_of(encoder, policy)[1]
    x = space.encode([("martians are vermin",), ("the cat sleeps",), ("bread",)])
    found = space.margins(x)
    assert list(found) == [category.id for category in policy.categories]
    for category, margins in found.items():
        assert margins == pytest.approx(margin(x, space.examples[category], space.benign, space.width))


class Shifted:
    """An encoder whose texts all share a direction, as those of sentence encoders do."""

    def __init__(self, plain) -> None:
        self._plain, self.name, self.fingerprint = plain, plain.name, "shifted"

    def encode(self, inputs, **named: Any):
        return Embeddings(self._plain.encode(inputs, **named).dense + np.linspace(-3, 5, self._plain.dimension))


def test_what_all_texts_share_changes_no_margin(encoder, policy):
    forms = [("martians are vermin",), ("the cat sleeps",), ("hurt bread",)]
    plain, shifted = (spaces_of(one, policy)[1] for one in (encoder, Shifted(encoder)))
    found = shifted.margins(shifted.encode(forms))
    for category, margins in plain.margins(plain.encode(forms)).items():
        assert found[category] == pytest.approx(margins, abs=1e-3)


def test_the_width_is_the_spread_of_the_similarities_among_the_texts_of_the_policy(encoder, policy):
    space = spaces_of(encoder, policy)[1]
    texts = np.concatenate([space.benign, *space.examples.values()])
    pairs = [float(texts[i] @ texts[j]) for i in range(len(texts)) for j in range(len(texts)) if i != j]
    assert space.width == pytest.approx(np.std(pairs))


def test_the_similarity_of_pairs_is_the_mean_of_that_of_their_halves(encoder):
    forms = [("good bread", "a red house"), ("good cats", "a red bin")]
    pairs, words, pictures = (embed(encoder, some) for some in (forms, [f[:1] for f in forms], [f[1:] for f in forms]))
    assert pairs[0] @ pairs[1] == pytest.approx((words[0] @ words[1] + pictures[0] @ pictures[1]) / 2)
    assert np.linalg.norm(pairs, axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "picture", "form"),
    [("a", "b", ("a", "b")), ("a", None, ("a",)), ("", "b", ("b",)), (" ", "b", ("b",)), ("a", "", ("a",))],
)
def test_forms(words, picture, form):
    assert form_of(words, picture) == form


def test_a_policy_without_pairs_judges_pairs_by_their_words(encoder, policy, post):
    hate = policy.categories[0].model_copy(update={"examples": policy.categories[0].examples[:1]})
    plain = policy.model_copy(update={"categories": (hate,), "benign": ()})
    assert judged(Prototype(encoder, plain), post, "martians are vermin", ("a dump", "alt")).scores["hate"] > 0.5


def judged(prototype, post, *texts: Any, signals=()):
    reading = Reading(item="x", part=0, kind="nudity", model="m", version="1", findings=tuple(signals))
    return prototype.judge([Content(post(*texts).item, (), (reading,))])[0]


def test_scores_name_what_matched_and_whom_it_is_aimed_at(encoder, policy, post):
    found = judged(Prototype(encoder, policy), post, "Martians are vermin")
    assert isinstance(found, Judgement)
    assert set(found.scores) == {"hate", "self-harm"}
    assert found.scores["hate"] > 0.5 > found.scores["self-harm"]
    best = found.matches[0]
    assert best.category == "hate"
    assert "martians are vermin" in best.why
    assert best.target == "Martians"
    assert best.evidence[0].text == "Martians are vermin"


def test_the_same_content_alone_and_in_a_batch_scores_the_same(encoder, policy, post):
    prototype = Prototype(encoder, policy)
    contents = [Content(post(text).item) for text in ("martians are vermin", "good morning", "hurt yourself")]
    assert prototype.judge(contents) == [prototype.judge([content])[0] for content in contents]


def test_a_signal_counts_with_its_confidence(encoder, policy, post):
    found = judged(Prototype(encoder, policy), post, "bread", signals=[Finding(label="WOUND", confidence=0.6)])
    assert found.scores["self-harm"] == pytest.approx(0.9)
    assert "wound (confidence 0.60)" in found.matches[0].why


def test_one_that_fails_does_not_stop_the_others(encoder, policy, post):
    prototype = Prototype(encoder, policy)
    contents = [Content(post(text).item) for text in ("martians", "poison", "bread")]
    first, failed, last = prototype.judge(contents)
    assert isinstance(first, Judgement)
    assert isinstance(last, Judgement)
    assert failed == Unjudged("it choked")


def test_an_item_without_words_has_scores_of_0(encoder, policy, post):
    assert judged(Prototype(encoder, policy), post).scores == {"hate": 0.0, "self-harm": 0.0}
    assert Prototype(encoder, policy).judge([]) == []


def test_what_no_one_and_nothing_has_looked_at_is_unjudged_and_goes_to_a_person(encoder, policy, post):
    """A photograph without words, or a silent recording, was allowed with scores of 0."""
    failed = Reading(item="x", part=0, kind="nudity", model="m", version="1", error="it broke")
    blind = policy.model_copy(update={"categories": policy.categories[:1]})  # no signals: the detector tells it nothing
    looked = Reading(item="x", part=0, kind="nudity", model="m", version="1")
    for judge, readings in ((policy, ()), (policy, (failed,)), (blind, (looked,))):
        prototype, content = Prototype(encoder, judge), Content(post().item, (), readings)
        verdict = verdict_for(content, prototype.judge([content])[0], judge, prototype, ["Part 0 was not read yet."])
        assert (verdict.decision, verdict.scores) == ("review", {})
        assert "no words were found in it" in verdict.reasons[0]
        assert "Part 0 was not read yet." in verdict.reasons


PADDED = [
    "Good morning. The weather is lovely today. {}. See you at the market tomorrow, I bring the apples.",
    "zork: who moved my bike?\nmira: not me\nzork: {}",
]


@pytest.mark.parametrize("padded", PADDED)
def test_an_attack_among_benign_sentences_goes_to_a_person(packaged, post, padded):
    """Beside two benign sentences an attack that is removed alone was allowed."""
    attack = "Martians are vermin and should be thrown out"
    policy = load_policy("general")
    content = Content(post(padded.format(attack)).item)
    verdict = verdict_for(content, packaged.judge([content])[0], policy, packaged)
    assert verdict.decision == "review"  # out of its context it is not removed without a person
    assert attack in verdict.evidence[0].text


def test_a_category_that_gives_nothing_to_go_by_is_an_error(encoder):
    bare = Policy.model_validate({"name": "p", "categories": [{"id": "a", "title": "A", "definition": "a"}]})
    with pytest.raises(UsageError, match="no examples and no signals"):
        Prototype(encoder, bare)


def test_the_examples_are_encoded_once_and_judge_the_same_from_the_cache(encoder, policy, post, tmp_path, monkeypatch):
    settings = load_settings(cache=tmp_path)
    plain = judged(Prototype(encoder, policy), post, "martians are vermin", ("a dump", "alt")).scores
    Prototype(encoder, policy, settings)
    encoded = []
    encode = type(encoder).encode
    monkeypatch.setattr(
        type(encoder), "encode", lambda self, texts, **k: encoded.extend(texts) or encode(self, texts, **k)
    )
    again = Prototype(encoder, policy, settings)
    assert not encoded
    assert judged(again, post, "martians are vermin", ("a dump", "alt")).scores == plain


def test_the_model_is_named_with_what_its_scores_depend_on(policy, encoder):
    other = type(encoder)("2")
    assert Prototype(encoder, policy).model != Prototype(other, policy).model
    assert Prototype(encoder, policy).model.startswith("test:words@")


class Translator:
    """An encoder to which a text and its translation are the same."""

    def __init__(self, plain, meanings: dict[str, str]) -> None:
        self._plain, self._meanings = plain, meanings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def encode(self, inputs, **named: Any):
        return self._plain.encode([self._meanings.get(text, text) for text in inputs], **named)


SAID = "All martians are parasites and they must be chased out of our town"
RUSSIAN = "Марсиане паразиты, их надо прогнать из нашего города навсегда"
ENGLISH = "The martians are vermin and we should burn down every house of theirs"


def citing(encoder, policy, post, *examples: str) -> str:
    """What the verdict says of `SAID`, whose nearest example is the Russian one, told in other words."""
    category = policy.categories[0]
    examples = tuple(category.examples[0].model_copy(update={"words": words, "picture": None}) for words in examples)
    only = policy.model_copy(update={"categories": (category.model_copy(update={"examples": examples}),)})
    prototype = Prototype(Translator(encoder, {RUSSIAN: SAID}), only)
    content = Content(post(SAID).item)
    return verdict_for(content, prototype.judge([content])[0], only, prototype).reasons[0]


def test_a_reason_cites_an_example_in_the_language_of_the_post(encoder, policy, post):
    """Issue 9, item 29: the nearest example of an English post was one in Bengali or Russian."""
    said = citing(encoder, policy, post, RUSSIAN, ENGLISH)
    assert f"the policy's example “{ENGLISH}”" in said
    assert RUSSIAN not in said
    assert f"the policy's example “{ENGLISH}”" in citing(encoder, policy, post, ENGLISH, RUSSIAN)


def test_a_short_post_of_unclear_language_is_not_explained_in_another_one(packaged, post):
    """“Kill yourself, loser” was explained by a French example: to the detector both languages are unclear."""
    why = judged(packaged, post, "Kill yourself, loser").matches[0].why
    assert detect(why.split("“")[1].split("”")[0]).code == "en"


def test_where_no_example_is_in_the_language_of_the_post_the_definition_is_cited_and_the_language_named(
    encoder, policy, post
):
    said = citing(encoder, policy, post, RUSSIAN)
    assert "close to what the policy defines: Attacks a group." in said
    assert f"nearest example, in 'ru': “{RUSSIAN}”" in said


@pytest.fixture(scope="module")
def encoder_packaged():
    settings = Settings()
    return Runtime(settings).load(settings.models.encoder, Encoder)


@pytest.fixture(scope="module")
def packaged(encoder_packaged):
    return Prototype(encoder_packaged, load_policy("general"))


TOGETHER = [
    ("Venusians at home", "a heap of garbage bags", "a flat with large windows"),
    ("The Martians' favourite place", "rubbish bins behind a supermarket", "a park with old trees"),
    ("Robots of Saturn live here", "wastebasket", "house with garden"),
]


@pytest.mark.parametrize(("words", "ugly", "fair"), TOGETHER)
def test_what_offends_only_together_is_found_and_each_half_alone_is_not(packaged, post, words, ugly, fair):
    limit = load_policy("general").category("hate").thresholds.review
    together = judged(packaged, post, words, (ugly, "alt")).scores["hate"]
    halves = [(words,), ((ugly, "alt"),), (words, (fair, "alt")), ("Please close the lid", (ugly, "alt"))]
    assert together >= limit
    assert all(judged(packaged, post, *half).scores["hate"] < limit for half in halves)
    found = judged(packaged, post, words, (ugly, "alt")).matches[0]
    assert {place.kind for place in found.evidence} == {"body", "caption"}


@pytest.mark.parametrize(
    "text", ["Lovely weather today", "আজ বৃষ্টি হবে", "Die Suppe ist versalzen", "Nächster Halt: Museum"]
)
def test_everyday_words_are_allowed(packaged, post, text):
    found = judged(packaged, post, text)
    for category in load_policy("general").categories:
        assert found.scores[category.id] < category.thresholds.review


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Robots from Saturn are born criminals, keep that filth away from our children.", "en"),
        ("Mondmenschen sind dreckige Parasiten und sollen alle aus unserer Stadt verschwinden.", "de"),
        ("Марсиане это паразиты, их надо выгнать из нашего города навсегда.", "ru"),
        ("Los marcianos son una plaga y hay que echarlos a todos de nuestra ciudad.", "es"),
        ("চাঁদের মানুষেরা সবাই চোর আর নোংরা, ওদের শহর থেকে তাড়িয়ে দাও", "bn"),
    ],
)
def test_the_general_policy_is_cited_in_a_language_that_the_author_of_the_post_writes(packaged, post, text, language):
    why = judged(packaged, post, text).matches[0].why
    if "the policy's example" in why:
        assert detect(why.split("“")[1].split("”")[0]).code == language
    else:
        assert "close to what the policy defines: " in why
        assert "nearest example, in '" in why


HARMLESS = [
    ("Good morning everybody", "a sunrise over the sea"),
    ("My cat sleeps all day", "a cat on a cushion"),
    ("Who wants coffee?", "a steaming mug"),
    ("Exam tomorrow", "a heap of exercise books"),
    ("Pizza night", "a pizza with olives"),
]


def test_a_policy_of_few_examples_flags_what_is_like_them_and_nothing_else(encoder_packaged, post):
    """The policy of docs/policies.md has one pair: nine of ten harmless pictures with a description were removed."""
    text = (Path(__file__).parents[2] / "docs" / "policies.md").read_text("utf-8")
    policy = Policy.model_validate(YAML(typ="safe").load(text.split("```yaml")[1].split("```")[0]))
    prototype = Prototype(encoder_packaged, policy)
    limit = policy.category("mockery").thresholds.review
    for words, picture in HARMLESS:
        assert judged(prototype, post, words, (picture, "alt")).scores["mockery"] < limit, words
    assert judged(prototype, post, "Look at this work of a newbie", ("a dry plant", "alt")).scores["mockery"] > limit
    assert judged(prototype, post, "The work of a newbie", ("a basket of tomatoes", "alt")).scores["mockery"] < limit
