"""Families of near copies, and what only image_features like one."""

import random
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw, ImageFont

import near_copy_set as made
from alciato.duplicates.agreement import Agreement
from alciato.duplicates.alignment import align
from alciato.duplicates.candidates import candidate_pairs
from alciato.duplicates.clustering import clustered
from alciato.duplicates.features import Place, extract_features
from alciato.duplicates.near_copies import agree, other_words, related, verify, words_in_common
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


def stickers(colour, *placed):
    """Drawings on a plain ground, each with its size and place."""
    picture = Image.new("RGB", (480, 480), colour)
    for mark, size, place in placed:
        drawn = made._drawing(mark, size)
        picture.paste(drawn, place, drawn)
    return picture


def test_one_drawing_on_two_alike_grounds_beside_other_things_is_no_near_copy():
    fox = stickers((148, 198, 112), ("\U0001f34c", 190, (215, 50)), ("\U0001f98a", 190, (112, 187)))
    other = stickers((142, 197, 120), ("\U0001f335", 130, (8, 252)), ("\U0001f98a", 145, (146, 140)))
    memes = [
        made.captioned(fox, "said please robots captain", "our today cheese the", family="one"),
        made.captioned(other, "lost fuel about cat", "lost friends lost captain", family="other"),
    ]
    left, right = features_of(memes)
    assert align(left.features, right.features, least=8) is not None  # the corners of the drawing match
    assert verify(left, right) is None


def line(words, *, size=26, width=420):
    """A white picture with one line of words, and where it stands."""
    picture = Image.new("RGB", (width, 90), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    draw.text((20, 25), words, "black", font)
    return made.Example("line", picture, (draw.textbbox((20, 25), words, font),), words)


def test_pictures_of_words_alone_are_near_copies_where_they_hold_the_same_words():
    original = line("never bring cheese to venus")
    copies = [made.resized(original, 0.7), made.recompressed(original, 60)]
    others = [line("please bring robots to mars"), line("never")]
    seen = features_of([original, *copies, *others])
    assert {pair for pair in related(seen) if 0 in pair} == {(0, 1), (0, 2)}
    read_otherwise = features_of([original])[0], features_of([replace(original, text="NEVER BRING CHEESE TO VENUS")])[0]
    assert verify(read_otherwise[0], replace(read_otherwise[1], medium="other")) is not None


def test_which_is_left_changes_nothing():
    photo = made.plain(made.photograph("chelsea.png"))
    kinds = [
        photo,
        made.cropped(photo, (0.08, 0.02, 0.05, 0.04)),
        made.captioned(photo.picture, "hello", "again"),
        made.plain(made.photograph("coffee.png")),
        made.blank("white"),
    ]
    seen = features_of(kinds)
    assert related(seen)
    for one in seen:
        for other in seen:
            assert verify(one, other) == verify(other, one)
    backwards = related(seen[::-1])
    last = len(seen) - 1
    assert {(last - j, last - i): copy for (i, j), copy in backwards.items()} == related(seen)


def told(**figures):
    """An agreement of two pictures that show the same, but for some figures."""
    same = {"compared": 150, "overlap": 1.0, "blocks": 1.0, "structured": 100, "alike": 1.0}
    return Agreement(**(same | {"correlation": 0.9, "covered": 1.0, "contained": 1.0} | figures))


@pytest.mark.parametrize(
    ("masked", "bare", "words", "near"),
    [
        (told(), told(), ("", ""), True),
        (told(alike=0.5), told(), ("", ""), False),
        (told(blocks=0.7), told(), ("", ""), False),
        (told(correlation=0.3), told(), ("", ""), False),
        (told(structured=0), told(structured=3), ("", ""), False),  # nothing to see in either
        (told(structured=40, alike=0.8), told(structured=40), ("", ""), False),  # a few lines may be words
        (told(structured=40, alike=0.8), told(compared=170, structured=40), ("", ""), True),
        (told(structured=90, alike=0.75), told(compared=170), ("", ""), False),  # the words are not to blame
        (told(structured=90, alike=0.75), told(), ("", ""), True),  # they may be: none are known
        (told(structured=3), told(), ("the very same words", "THE VERY SAME WORDS"), True),
        (told(structured=3), told(), ("the very same words", "quite different ones"), False),
        (told(structured=3, blocks=0.85), told(), ("the very same words", "the very same words"), False),
        (told(structured=3), told(), ("short", "short"), True),
        (told(structured=3), told(correlation=0.8), ("short", "short"), False),
    ],
)
def test_the_rule(masked, bare, words, near):
    assert agree(masked, bare, *words) is near
    assert agree(masked, bare, *words[::-1]) is near


@pytest.mark.parametrize(
    ("left", "right", "share"),
    [
        ("nobody told the robots", "nobody told the robots", 0.0),
        ("nobody told the robots", "nobody told the rob0ts", 0.0),
        ("nobody told the robots", "rocket fuel is late", 1.0),
        ("nobody told the robots", "nobody told the captain", 0.25),
        ("a an", "nothing", 0.0),
        ("", "nothing", 0.0),
    ],
)
def test_share_of_other_words(left, right, share):
    assert other_words(left, right) == pytest.approx(share)


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
    assert words_in_common(right, left) == pytest.approx(share)
