"""Families of near copies, and what only image_features like one."""

import random

import pytest

import near_copy_set as made
from alciato.duplicates.candidates import candidate_pairs
from alciato.duplicates.clustering import clustered
from alciato.duplicates.features import Place, extract_features
from alciato.duplicates.near_copies import related, verify, words_in_common
from alciato.item import Box, Finding


def features_of(examples, *, words=True):
    return [
        extract_features(
            example.picture,
            [Finding(text=example.text, box=Box(*box)) for box in example.boxes] if words else [],
            places=(Place(f"{example.family}/{number}", 0, None),),
            medium=str(number),
        )
        for number, example in enumerate(examples)
    ]


@pytest.fixture(scope="module")
def examples():
    """Every second family of photographs and of drawings, and all hard negatives."""
    made_ = made.examples(seed=11)
    families = list(dict.fromkeys(example.family for example in made_))
    alike = [family for family in families if family.startswith(("photo", "scene")) or family in made.PHOTOGRAPHS]
    left_out = set(alike[1::2])
    return [example for example in made_ if example.family not in left_out]


def recall(examples, seen, pairs):
    """Share of the copies that stand in the cluster of the first of their family."""
    clusters = clustered(seen, pairs, lambda asked: {(i, j): verify(seen[i], seen[j]) for i, j in asked})
    which = {member.item: number for number, cluster in enumerate(clusters) for member in cluster.members}
    names = [f"{example.family}/{number}" for number, example in enumerate(examples)]
    first: dict[str, str] = {}
    found = []
    for example, name in zip(examples, names, strict=True):
        if first.setdefault(example.family, name) != name:
            found.append(name in which and which[name] == which.get(first[example.family]))
    return sum(found) / len(found)


@pytest.mark.slow
@pytest.mark.parametrize("words", [True, False], ids=["words known", "words unknown"])
def test_copies_are_found_and_nothing_else(examples, words):
    seen = features_of(examples, words=words)
    pairs = related(seen)
    false = [(examples[i].family, examples[j].family) for i, j in pairs if examples[i].family != examples[j].family]
    assert false == []
    assert recall(examples, seen, pairs) >= 0.95


def test_relations_are_told_apart():
    photo = made.photograph("chelsea.png")
    meme = made.captioned(photo, "nobody told the robots", "about coffee")
    original = features_of([meme])[0]
    others = {
        "copy": made.resized(meme, 0.6),
        "crop": made.cropped(meme, (0.05, 0.05, 0.05, 0.05)),
        "recaption": made.captioned(photo, "rocket fuel is late", "once more tonight"),
    }
    for relation, other in others.items():
        seen = features_of([meme, other])[1]
        found = verify(original, seen)
        assert found is not None, relation
        assert found.relation == relation
        assert verify(seen, original) == found, "which is left changes nothing"
    assert verify(original, features_of([meme, made.captioned(made.photograph("coffee.png"), "a", "b")])[1]) is None


def test_blank_pictures_say_nothing():
    blank = features_of([made.blank("white"), made.blank((250, 250, 250)), made.blank("white", (300, 200))])
    assert related(blank) == {}


def test_a_chat_with_other_words_is_another_chat():
    generator = random.Random(5)
    chats = [made.chat(generator, number) for number in range(3)]
    seen = features_of([*chats, made.resized(chats[0], 0.7)])
    assert set(related(seen)) == {(0, 3)}


def test_candidates_grow_with_the_pictures_and_hold_the_copies():
    photos = [made.plain(made.photograph(name)) for name in ("chelsea.png", "coffee.png", "rocket.jpg", "camera.png")]
    crops = [made.cropped(photo, (0.08, 0.08, 0.08, 0.08)) for photo in photos]
    pairs = candidate_pairs(features_of([*photos, *crops]))
    assert {(i, i + 4) for i in range(4)} <= set(pairs)
    assert candidate_pairs([]) == []


@pytest.mark.parametrize(
    ("left", "right", "share"),
    [
        ("the same words", "the same words", 1.0),
        ("", "", 1.0),
        ("something", "", 0.0),
        ("same words", "the same words", 1.0),
    ],
)
def test_words_in_common(left, right, share):
    assert words_in_common(left, right) == pytest.approx(share)
