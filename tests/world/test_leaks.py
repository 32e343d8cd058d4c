"""The label of a post is not told by what has nothing to do with it: number, order, file size, metadata, one half."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy.stats import chi2_contingency, kruskal
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from alciato import world
from alciato.nets.modular_posts import numbers_of

LABELLED = ("confounder", "target", "sentiment", "sarcasm", "punchline", "claim", "needle", "screenshot",
            "inconsistency", "chart", "multihop", "layout", "story", "thread", "catalogue")  # fmt: skip
SIZE = {"inconsistency": 192, "needle": 96, "screenshot": 128, "chart": 128}
OPTIONS = {"story": {"defects": 0.5}, "needle": {"negative": 0.5, "side": 2}}
SIZE_TELLS = {
    "sentiment": "faces without expression are drawn with fewer lines",
    "target": "the label names what is shown: a community is four to six figures",
    "screenshot": "the label is the app",
    "chart": "the label is the design",
    "multihop": "the label is the number of parts that the question needs",
    "layout": "the label is the number of things drawn",
    "story": "a repeated picture and a changed hero are seen",
    "thread": "only the rumour has a picture",
    "needle": "a needle that is there is described, so its things are in the picture",
}
"""Kinds whose label is about what is drawn, so that more or fewer bytes may go with it."""


@cache
def drawn(kind):
    """240 posts of a kind with labels, drawn once."""
    return list(world.make(kind, 240, seed=3, size=SIZE.get(kind, 64), **OPTIONS.get(kind, {})))


def ranks_alike(labels, values):
    """p-value of the Kruskal-Wallis test that a number is distributed alike in all classes."""
    classes = [[value for label, value in zip(labels, values, strict=True) if label == name] for name in set(labels)]
    return kruskal(*classes).pvalue


def independent(labels, values):
    """p-value of the chi-squared test that labels and values have nothing to do with each other."""
    counts = Counter(zip(labels, values, strict=True))
    table = [[counts[label, value] for value in sorted(set(values))] for label in sorted(set(labels))]
    return chi2_contingency(table).pvalue if len(table[0]) > 1 else 1.0


def test_every_kind_with_two_labels_is_in_the_list():
    found = {}
    for kind in map(world.KINDS.get, world.KINDS):
        options = {"speech": False, "seconds": 1.0} if kind.name == "clip" else OPTIONS.get(kind.name, {})
        posts = world.make(kind.name, 24, seed=3, size=SIZE.get(kind.name, 64), **options)
        found[kind.name] = len({post.label for post in posts})
    assert {name for name, count in found.items() if count > 1} == {*LABELLED, "dialogue"}  # its label is its order


@pytest.mark.slow
@pytest.mark.parametrize("kind", LABELLED)
def test_the_number_of_a_post_does_not_tell_its_label(kind):
    labels = [post.label for post in drawn(kind)]
    numbers = [int(post.id.rsplit("-", 1)[1]) for post in drawn(kind)]
    assert numbers == list(range(240))
    for modulus in range(2, 13):
        assert independent(labels, [number % modulus for number in numbers]) > 1e-4, modulus
    assert ranks_alike(labels, numbers) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(set(LABELLED) - set(SIZE_TELLS)))
def test_the_size_of_the_files_does_not_tell_the_label(kind):
    labels = [post.label for post in drawn(kind)]
    sizes = [sum(map(len, post.media.values())) for post in drawn(kind)]
    assert ranks_alike(labels, sizes) > 1e-4


@pytest.mark.parametrize("kind", LABELLED)
def test_the_metadata_hold_no_number_and_no_word_that_tells_the_label(kind):
    labels = [post.label for post in drawn(kind)]
    for post in drawn(kind)[:20]:
        assert numbers_of(post.item) == {}  # what a learner takes for features
        assert not {"truth", "offends", "emotion", "cue"} & set(post.item.metadata)
    for name in {name for post in drawn(kind) for name in post.metadata} - {"created_at"}:
        assert independent(labels, [str(post.metadata.get(name)) for post in drawn(kind)]) > 1e-4, name


@pytest.mark.parametrize("kind", LABELLED)
def test_no_class_is_nearly_all(kind):
    counts = Counter(post.label for post in drawn(kind))
    assert max(counts.values()) <= 0.72 * 240


def halves(kind, seed):
    """Words, thumbnails, file sizes and labels of 800 posts."""
    posts = list(world.make(kind, 800, seed=seed, size=64, layout="text"))
    thumbnails = [np.asarray(post.picture().resize((8, 8)), np.float32).ravel() for post in posts]
    sizes = [[float(len(next(iter(post.media.values()))))] for post in posts]
    return {
        "words": [post.words for post in posts],
        "thumbnail": np.stack(thumbnails),
        "size": np.array(sizes),
    }, [post.label for post in posts]


@pytest.mark.parametrize("kind", ["confounder", "sarcasm"])
def test_no_half_alone_tells_the_label(kind):
    """Classifiers are trained on the posts of one seed and tested on those of another."""
    (train, labels), (test, truth) = halves(kind, 5), halves(kind, 6)
    for half in train:
        prepared = CountVectorizer() if half == "words" else StandardScaler()
        model = make_pipeline(prepared, LogisticRegression(C=0.1, max_iter=500)).fit(train[half], labels)
        positive = [label == model.classes_[1] for label in truth]
        found = roc_auc_score(positive, model.decision_function(test[half]))
        assert found == pytest.approx(0.5, abs=0.05), half


def test_each_wording_and_each_thing_is_as_often_in_both_classes():
    posts = list(world.make("confounder", 400, seed=9, size=64))
    for half in ("words", "thing", "group"):
        found = Counter((getattr(post.truth, half), post.truth.offends) for post in posts)
        assert all(found[value, True] == found[value, False] for value, _ in found)


def test_a_written_cue_is_no_number(tmp_path):
    posts = world.make("sarcasm", 8, seed=3, size=64, cue={"kind": "word", "rates": {"sincere": 1.0}})
    rows = (world.write(posts, tmp_path / "posts") / "posts.jsonl").read_text("utf-8")
    assert '"cue": "present"' in rows
    assert '"cue": "absent"' in rows
    assert "true" not in rows.split('"truth"')[0]
