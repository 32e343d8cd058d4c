from __future__ import annotations

import zlib

import numpy as np
import pytest

from alciato.errors import UsageError
from alciato.judge.calibration import (
    CURVES,
    FITTED_WITH,
    CalibrationPost,
    Curve,
    all_lines,
    all_margins,
    auroc,
    confounders,
    curves_for,
    fit_logistic,
    halves,
    labels_of,
    quality,
    read_written,
    score,
)
from alciato.judge.policy import Policy, load_policy
from alciato.judge.space import spaces_of
from alciato.judge.strategies.prototype import Prototype
from alciato.models import Embeddings, Encoder, Runtime
from alciato.registry import NoOptions
from alciato.settings import Settings
from search_doubles import FakeRuntime


def test_auroc_of_worked_cases():
    labels = np.array([1.0, 1.0, 0.0, 0.0])
    assert auroc(np.array([0.9, 0.4, 0.4, 0.1]), labels) == pytest.approx(0.875)
    assert auroc(np.array([0.0, 0.1, 0.8, 0.9]), labels) == 0.0
    assert np.isnan(auroc(labels, np.ones(4)))


def test_the_fit_finds_the_logistic_that_made_the_labels():
    generator = np.random.default_rng(5)
    margins = generator.normal(size=20_000)
    labels = (generator.random(20_000) < score(margins, Curve(2.0, -0.5))).astype(float)
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


class TwoSides:
    """Texts that begin with `bad` lie on one side, others on the other, with as much noise as wanted."""

    name, dimension, modalities = "test:two-sides", 8, frozenset({"text"})

    def __init__(self, noise: float) -> None:
        self.fingerprint, self._noise, self.seen = str(noise), noise, []

    def encode(self, inputs, **_):
        self.seen += inputs
        noise = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=self.dimension) for text in inputs]
        sides = [np.eye(self.dimension)[int(text.startswith("bad"))] for text in inputs]
        vectors = np.array(sides) + self._noise * np.array(noise)
        return Embeddings((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


@pytest.fixture
def few_lines(monkeypatch):
    """A policy and posts to fit on that take no time."""
    category = {"id": "hate", "title": "T", "definition": "D", "examples": [f"bad example {n}" for n in range(8)]}
    made = Policy.model_validate({"name": "p", "categories": [category]})
    lines = [
        CalibrationPost(f"topic {n // 10}", "hate" if n % 2 else "", "kind", "en", (f"{('good', 'bad')[n % 2]} {n}",))
        for n in range(80)
    ]
    monkeypatch.setattr("alciato.judge.calibration.load_policy", lambda _: made)
    monkeypatch.setattr("alciato.judge.calibration.all_lines", lambda: {1: lines})
    return made


def test_another_encoder_gets_a_curve_of_its_own_which_is_kept(few_lines, tmp_path):
    settings, encoder = Settings(cache=tmp_path), TwoSides(0.7)
    found = curves_for(encoder, settings)
    assert found[1].slope > 0
    assert found != {1: CURVES[1]}
    encoder.seen.clear()
    assert curves_for(encoder, settings) == found
    assert encoder.seen == []
    runtime = FakeRuntime(tmp_path, encoder)
    assert Prototype.load(few_lines, runtime, NoOptions()).model != Prototype(encoder, few_lines).model


def test_an_encoder_that_cannot_tell_the_texts_apart_is_refused_with_what_to_do(few_lines, tmp_path):
    with pytest.raises(UsageError, match=f"test:two-sides.*AUROC of 0.*--model {FITTED_WITH}"):
        Prototype.load(few_lines, FakeRuntime(tmp_path, TwoSides(50.0)), NoOptions())


def test_the_encoder_that_the_constants_were_fitted_with_is_not_fitted_again(tmp_path):
    encoder = TwoSides(0.1)
    encoder.name = FITTED_WITH
    assert curves_for(encoder, Settings(cache=tmp_path)) is CURVES
    assert encoder.seen == []
