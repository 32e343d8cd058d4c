"""Metadata as features: columns that leak the label are left out and named, or refused where they were asked for."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from alciato.errors import UsageError
from alciato.item import Item, Post, Text
from alciato.learn import examples_of
from alciato.learn.metadata import label_leak, metadata_columns

LABELS = ["benign", "offends"] * 20


def examples(**columns):
    """Forty posts of two classes; a column holds a number, or None, for each."""
    posts = []
    for number, label in enumerate(LABELS):
        metadata = {name: values[number] for name, values in columns.items() if values[number] is not None}
        posts.append(
            Post(Item(id=f"p{number}", parts=(Text(text=f"t {number}"),), metadata={"label": label, **metadata}))
        )
    return examples_of(posts)


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 100, len(LABELS)).tolist()


TRUE = [label == "offends" for label in LABELS]


@pytest.mark.parametrize(
    "leaking",
    [
        TRUE,
        [7 if offends else 3 for offends in TRUE],
        [(number * 2 + offends) % 8 for number, offends in enumerate(TRUE)],  # eight values, each of one class
        [100 + number + (500 if offends else 0) for number, offends in enumerate(TRUE)],  # a threshold tells the class
        [-number - (500 if offends else 0) for number, offends in enumerate(TRUE)],
    ],
)
def test_a_column_that_leaks_the_label_is_left_out_and_named(leaking):
    columns, warnings = metadata_columns(examples(followers=noise(), offends=leaking))
    assert [column.name for column in columns] == ["followers"]
    (warning,) = warnings
    assert "the metadata column 'offends' is left out, because it leaks the label" in warning


def test_a_leaking_column_that_was_asked_for_is_refused():
    posts = examples(followers=noise(), offends=TRUE)
    with pytest.raises(UsageError, match="'offends' leaks the label: each of its values occurs with one class only"):
        metadata_columns(posts, ["followers", "offends"])
    columns, warnings = metadata_columns(posts, ["followers"])
    assert ([column.name for column in columns], warnings) == (["followers"], [])


def test_a_column_that_no_post_has_is_named():
    with pytest.raises(UsageError, match="no numeric metadata column is named 'folowers'.*'followers'"):
        metadata_columns(examples(followers=noise()), ["folowers"])


def test_constant_and_rare_columns_are_not_found():
    rare = [number if number < 19 else None for number in range(40)]
    half = [number if number % 2 == number % 4 else None for number in range(40)]
    columns, warnings = metadata_columns(examples(constant=[4] * 40, rare=rare, half=half, followers=noise()))
    assert [column.name for column in columns] == ["followers", "half"]
    assert not warnings


def test_mean_and_standard_deviation_are_those_of_the_training_posts():
    values = noise()
    (column,), _ = metadata_columns(examples(followers=values))
    assert column.mean == pytest.approx(np.mean(values))
    assert column.std == pytest.approx(np.std(values))


def test_numbers_that_never_repeat_tell_nothing_by_being_different():
    """An id or a time is different for each post: that each value has one class is no leak."""
    values = np.random.default_rng(3).permutation(40).tolist()
    assert label_leak(values, LABELS) is None


def test_a_strong_but_honest_feature_stays():
    values = np.where(TRUE, 10.0, 0.0) + np.random.default_rng(1).normal(0, 5, 40)
    assert label_leak(values.tolist(), LABELS) is None
