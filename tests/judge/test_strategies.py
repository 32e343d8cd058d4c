"""What every strategy keeps, plug-ins included: its examples, a score for each category, nothing allowed in silence."""

from __future__ import annotations

import pytest

from alciato.errors import UsageError
from alciato.judge.calibration import CURVES
from alciato.judge.decide import verdict_for
from alciato.judge.strategy import STRATEGIES, Judgement, Strategy, load_strategy
from alciato.models import Runtime
from alciato.read.content import Content


@pytest.fixture(params=STRATEGIES.names())
def strategy_class(request):
    return STRATEGIES.get(request.param)


def test_it_reaches_the_decisions_of_its_examples(strategy_class, settings, encoder, use_model, monkeypatch):
    assert strategy_class.examples()
    monkeypatch.setattr("alciato.judge.strategies.prototype.curves_for", lambda *_: CURVES)  # it counts words only
    for example in strategy_class.examples():
        model = encoder if example.model is None else example.model()
        monkeypatch.setattr(Runtime, "load", lambda *_, model=model: model)
        options = strategy_class.Options()
        runtime = Runtime(settings.model_copy(update={"models": settings.models.model_copy(update={"judge": "e"})}))
        if strategy_class.name == "modular":
            strategy = strategy_class(model, example.policy)
        else:
            strategy = strategy_class.load(example.policy, runtime, options)
        content = Content(example.item)
        outcome = strategy.judge([content])[0]
        assert verdict_for(content, outcome, example.policy, strategy).decision == example.decision
        if isinstance(outcome, Judgement):
            assert set(outcome.scores) == {category.id for category in example.policy.categories}
        assert strategy.judge([content, content]) == [outcome, outcome]
        assert strategy.name == strategy_class.name
        assert strategy.model


def test_it_forbids_unknown_options(strategy_class, policy, settings):
    with pytest.raises(UsageError, match="nonsense"):
        load_strategy(strategy_class.name, policy, Runtime(settings), {"nonsense": 1})


def test_it_says_what_it_needs(strategy_class):
    assert issubclass(strategy_class, Strategy)
    assert strategy_class.needs.readings <= {"ocr", "speech", "nudity", "caption"}
