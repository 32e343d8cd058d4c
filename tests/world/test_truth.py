"""What the truth of each kind promises, held against the other facts of the same post."""

from collections import Counter

import numpy as np
import pytest

from alciato import world
from alciato.item import Table, Text
from alciato.world.concepts import COLOURS, LANGUAGES, OBJECTS
from alciato.world.kinds.inconsistency import CATEGORIES, ROLES


def many(kind, n=60, **options: object):
    return list(world.make(kind, n, **{"seed": 11, **options}))


def test_counts_equal_the_objects():
    for post in many("scene"):
        tallied = Counter((shown.name, shown.colour) for shown in post.truth.objects)
        assert tallied == {(one.name, one.colour): one.number for one in post.truth.counts}


def test_relations_agree_with_the_boxes_and_never_with_their_reverse():
    for post in many("scene"):
        objects, found = post.truth.objects, set(post.truth.relations)
        for one, predicate, other in found:
            first, second = objects[one].box, objects[other].box
            if predicate == "left of":
                assert first.left + first.right < second.left + second.right
            else:
                assert first.top + first.bottom < second.top + second.bottom
            assert (other, predicate, one) not in found


def test_painted_objects_have_their_colour():
    for post in many("scene", kinds=(1, 1), most=1, painted=1.0):
        (shown,) = post.truth.objects
        box = [int(edge) for edge in shown.box]
        pixels = np.asarray(post.picture().crop(box)).reshape(-1, 3).astype(float)
        distances = {name: np.abs(pixels - colour).sum(1).min() for name, colour in COLOURS.items()}
        assert distances[shown.colour] < 110, post.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_name_the_objects_in_every_language(language):
    post = world.make("scene", 1, seed=2, language=language)[0]
    concepts = {concept.name: concept for concept in OBJECTS.members}
    for count in post.truth.counts:
        concept = concepts[count.name]
        told = concept.counted(count.number, count.colour) if language == "en" else concept.called(language)
        assert told in post.truth.caption


def test_every_object_has_a_name_in_every_language():
    for concept in OBJECTS.members:
        assert all(concept.called(language).strip() for language in LANGUAGES)


def test_a_plain_picture_is_the_macro_without_its_capitals():
    macros = many("macro", 20, family="any")
    plains = many("plain", 20, family="any")
    for macro, plain in zip(macros, plains, strict=True):
        assert macro.truth.objects == plain.truth.objects
        with_, without = np.asarray(macro.picture()).copy(), np.asarray(plain.picture()).copy()
        for line in macro.truth.lines:
            left, top, right, bottom = (int(edge) for edge in line.box)
            with_[top : bottom + 2, max(0, left - 2) : right + 3] = 0
            without[top : bottom + 2, max(0, left - 2) : right + 3] = 0
        assert (with_ == without).all()


def test_words_lie_in_their_lines_and_spell_them():
    for post in many("macro", 40, language="any"):
        for line in post.truth.lines:
            assert " ".join(word.text for word in line.words) == line.text
            assert all(
                line.box.left <= word.box.left + 2 and word.box.right <= line.box.right + 2 for word in line.words
            )


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_of_plain_pictures_with_words_is_as_asked(share):
    found = np.mean([bool(post.truth.lines) for post in many("plain", 200, words=share, size=64)])
    assert found == pytest.approx(share, abs=0.12 if share == 0.5 else 0)


def test_a_confounder_set_offends_only_together():
    posts = many("confounder", 40)
    orders = set()
    for start in range(0, 40, 4):
        four = [post.truth for post in posts[start : start + 4]]
        orders.add(tuple((one.words_liken, one.thing_loaded) for one in four))
        assert {(one.words_liken, one.thing_loaded, one.offends) for one in four} == {
            (True, True, True),
            (True, False, False),
            (False, True, False),
            (False, False, True),
        }
        by_words, by_thing = Counter(one.words for one in four), Counter(one.thing for one in four)
        assert sorted(by_words.values()) == sorted(by_thing.values()) == [2, 2]
        assert len({one.group for one in four}) == 1
    assert len(orders) > 5  # the members of a set stand in a random order


def test_an_attack_needs_hostile_words_that_nobody_rejects():
    for post in many("target"):
        truth = post.truth
        assert truth.offends == (truth.hostile and not truth.rejected)
        assert truth.target == (truth.shows if truth.offends else None)
        assert next(part for part in post.content if isinstance(part, Table)).columns[0] == "followers"


def test_sentiment_is_the_weighted_sum():
    for post in many("sentiment", sound=True):
        truth = post.truth
        assert truth.valence == pytest.approx(
            0.6 * truth.words_valence + 0.2 * truth.face_valence + 0.2 * truth.tone_valence, abs=0.006
        )
        assert truth.contradicts == (truth.emotion != truth.face_emotion)


def test_sarcasm_and_punchline_are_conflicts():
    assert all(post.truth.sarcastic == (post.truth.praises != post.truth.pleasant) for post in many("sarcasm"))
    posts = many("punchline")
    for start in range(0, len(posts), 3):
        members = {post.truth.variant: post.truth for post in posts[start : start + 3]}
        original, synonymous, antonymous = (members[name] for name in ("original", "synonymous", "antonymous"))
        assert original.punchline == synonymous.punchline != antonymous.punchline
        assert len({truth.caption for truth in members.values()}) == 3


def test_neither_part_tells_sarcasm():
    posts = many("sarcasm", 400, size=64)
    for part in ("praises", "pleasant"):
        shares = [
            np.mean([post.truth.sarcastic for post in posts if getattr(post.truth, part) == value])
            for value in (True, False)
        ]
        assert shares == pytest.approx([0.5, 0.5], abs=0.12)


def test_a_claim_differs_from_what_is_so_in_its_fault_only():
    for post in many("claim", 100):
        truth = post.truth
        differing = [
            name
            for name in type(truth.actual).model_fields
            if getattr(truth.claimed, name) != getattr(truth.actual, name)
        ]
        assert differing == ([truth.fault] if truth.fault else [])
        assert (truth.veracity == "true") == (truth.fault is None)
        assert len(truth.objects) == truth.actual.number


def test_a_page_has_one_fault_of_its_category():
    seen = set()
    for post in many("inconsistency", 80, size=256):
        truth = post.truth
        by_id = {element.id: element for element in truth.elements}
        assert sorted(by_id) == list(range(1, len(by_id) + 1))
        assert tuple(by_id[number].role for number in truth.conflict) == ROLES[truth.category]
        seen.add(truth.category)
    assert seen == set(CATEGORIES)
    assert all(not post.truth.conflict for post in many("inconsistency", 5, consistent=1.0))


def test_a_needle_stands_where_the_answer_says_or_nowhere():
    for post in many("needle", 40, pictures=2, side=3, needles=2, size=144):
        captions = [cell.caption for cell in post.truth.cells]
        assert len(set(captions)) == len(captions) == 18
        for needle in post.truth.needles:
            places = [tuple(cell[:3]) for cell in post.truth.cells if cell.caption == needle.caption]
            assert places == ([] if needle.picture < 0 else [tuple(needle[1:])])
        first = post.truth.needles[0]
        told = "-1" if first.picture < 0 else f"{first.picture + 1}, {first.row + 1}, {first.column + 1}"
        assert post.truth.answer.split("; ")[0] == told


def test_a_chain_leads_over_its_parts_to_the_answer():
    for post in many("multihop"):
        for hop in post.truth.chain:
            content = post.content[hop.part]
            kind = "text" if isinstance(content, Text) else "table" if isinstance(content, Table) else "picture"
            assert kind == hop.modality
        assert post.truth.answer in post.truth.chain[-1].tells
        assert len(post.truth.chain) == post.truth.hops


def test_the_answer_of_a_chain_has_no_fixed_side():
    sides = {post.truth.answer.split()[-1] for post in many("multihop", 60, hops=(1,))}
    assert sides == {"East", "West", "North", "South"}


def test_a_chart_is_as_high_as_its_values():
    for post in many("chart", 40, design="bar"):
        heights = [point.box.bottom - point.box.top for point in post.truth.points]
        values = [point.value for point in post.truth.points]
        assert np.argmax(heights) == np.argmax(values)
        assert heights == pytest.approx(np.array(values) / max(values) * max(heights), abs=1.5)


def test_a_mask_covers_each_instance():
    for post in many("layout", 20):
        mask = np.asarray(post.pictures()[1])
        for instance in post.truth.instances:
            left, top, right, bottom = (int(edge) for edge in instance.shown.box)
            assert (mask[top:bottom, left:right] == instance.value).any()
            assert (mask == instance.value).sum() == (mask[top:bottom, left:right] == instance.value).sum()


def test_a_story_keeps_its_hero_but_for_the_defect():
    for post in many("story", 60, defects=0.6):
        heroes = [(step.objects[0].name, step.objects[0].colour) for step in post.truth.steps]
        same = set(heroes) == {(post.truth.hero, post.truth.colour)}
        assert same == (post.truth.defect in ("none", "shuffled", "picture repeated"))
        assert ([step.order for step in post.truth.steps] == sorted(step.order for step in post.truth.steps)) == (
            post.truth.defect != "shuffled"
        )


def test_each_fact_of_a_clip_has_one_modality_and_events_fill_the_time():
    for post in many("clip", 12, speech=False, seconds=2.0):
        truth = post.truth
        assert {fact.modality for fact in truth.facts} == {"vision", "screen", "metadata"}
        assert [event.start for event in truth.events[1:]] == [event.end for event in truth.events[:-1]]
        longest = max(event.end - event.start for event in truth.events)
        assert longest >= 0.49 * truth.events[-1].end


@pytest.mark.slow
def test_a_clip_speaks_when_the_truth_says():
    post = world.make("clip", 1, seed=5)[0]
    sound = post.content[0].sound
    start = int(post.truth.speech_start * sound.rate)
    assert np.abs(sound.samples[:start]).max(initial=0) == 0
    assert np.abs(sound.samples[start : int(post.truth.speech_end * sound.rate)]).max() > 0.05
    (video,) = post.item.parts
    assert video.mime == "video/mp4"


def test_questions_of_a_dialogue_are_about_earlier_sessions():
    posts = many("dialogue", 30)
    for first, second, third in zip(posts[::3], posts[1::3], posts[2::3], strict=True):
        told = {*first.truth.facts, *second.truth.facts}
        asked = {question for question in third.truth.questions if question.how != "never"}
        assert asked == told
        assert len({question.question for question in third.truth.questions}) == len(third.truth.questions)
        assert second.reply_to == first.id
        assert third.reply_to == second.id


def test_replies_answer_earlier_posts_of_their_thread():
    posts = many("thread")
    by_id = {post.id: post for post in posts}
    for post in posts:
        if post.truth.position == 0:
            assert post.reply_to is None
        else:
            parent = by_id[post.reply_to]
            assert parent.truth.position == post.truth.parent < post.truth.position
            assert post.truth.depth == parent.truth.depth + 1
            assert parent.metadata["created_at"] < post.metadata["created_at"]


def test_notes_share_what_their_relation_says():
    posts = many("catalogue", 120, size=64)
    for one, other in zip(posts[::2], posts[1::2], strict=True):
        shared = {"words": (True, False), "picture": (False, True), "both": (True, True)}[one.truth.relation]
        assert (one.truth.topic == other.truth.topic, one.truth.thing == other.truth.thing) == shared
        assert one.truth.title != other.truth.title
