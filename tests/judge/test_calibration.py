from __future__ import annotations

import numpy as np
import pytest

from alciato.judge.calibration import (
    all_lines,
    all_margins,
    auroc,
    confounders,
    fit_logistic,
    halves,
    labels_of,
    quality,
    read_written,
)
from alciato.judge.policy import load_policy
from alciato.judge.space import spaces_of
from alciato.judge.strategies.prototype import CURVES, score
from alciato.models import Encoder, Runtime
from alciato.settings import Settings


def test_auroc_of_worked_cases():
    labels = np.array([1.0, 1.0, 0.0, 0.0])
    assert auroc(np.array([0.9, 0.4, 0.4, 0.1]), labels) == pytest.approx(0.875)
    assert auroc(np.array([0.0, 0.1, 0.8, 0.9]), labels) == 0.0
    assert np.isnan(auroc(labels, np.ones(4)))


def test_the_fit_finds_the_logistic_that_made_the_labels():
    generator = np.random.default_rng(5)
    margins = generator.normal(size=20_000)
    labels = (generator.random(20_000) < score(margins, 2.0, -0.5)).astype(float)
    assert fit_logistic(margins, labels) == pytest.approx((2.0, -0.5), abs=0.1)


def test_the_written_set_is_balanced_by_topic_and_shares_nothing_between_the_halves():
    lines = read_written()
    fitting, testing = halves(lines)
    assert len(lines) >= 200
    assert {line.topic for line in fitting}.isdisjoint(line.topic for line in testing)
    assert abs(len(fitting) - len(testing)) <= 10
    ids = {category.id for category in load_policy("general").categories}
    assert {line.category for line in lines} == ids | {""}
    assert len({line.language for line in lines}) >= 6


def test_a_confounder_set_offends_in_one_cell_of_four():
    lines = confounders()
    assert lines == confounders()
    assert len(lines) == 8 * 4 * 4
    assert sum(bool(line.category) for line in lines) == len(lines) / 4
    assert {line.kind for line in lines if line.category} == {"groups/ugly"}


def test_no_text_that_is_measured_on_stands_in_the_policy():
    policy = load_policy("general")
    taught = {(e.words, e.picture) for c in policy.categories for e in (*c.examples, *c.counterexamples)}
    assert not {(*line.form, None)[:2] for line in (*read_written(), *confounders())} & taught


@pytest.mark.slow
def test_constants_are_those_of_the_fit_and_the_test_half_is_told_apart():
    settings = Settings()
    spaces = spaces_of(Runtime(settings).load(settings.models.encoder, Encoder), load_policy("general"))
    for parts, lines in all_lines().items():
        space, (fitting, testing) = spaces[parts], halves(lines)
        curve = fit_logistic(all_margins(space, fitting).max(axis=1), labels_of(fitting))
        assert curve == pytest.approx(CURVES[parts], rel=0.1)
        found = quality(space, CURVES[parts], testing, rounds=100)
        assert found.auroc > 0.88
        assert found.f1 > (0.78, 0.62)[parts - 1]
        assert found.category > 0.8
