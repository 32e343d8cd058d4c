"""Doubles for judging and reports: an encoder that counts words, a chat that answers as told, and their fixtures."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from alciato.errors import ModelError
from alciato.item import Item, Post, Text
from alciato.judge.calibration import CURVES
from alciato.judge.policy import Policy
from alciato.models import Answer, Embeddings, Message, Runtime
from alciato.settings import Settings
from alciato.store import Collection

POLICY = {
    "name": "small",
    "groups": [{"name": "Martians", "words": ["Martian", "Marsmenschen", "火星人"]}],
    "benign": ["the cat sleeps", "good morning", "bread and butter", {"picture": "a dump"}],
    "categories": [
        {
            "id": "hate",
            "title": "Attack",
            "definition": "Attacks a group.",
            "not": "Counter speech.",
            "thresholds": {"review": 0.5, "remove": 0.8},
            "action": "remove",
            "examples": ["martians are vermin", {"words": "martians belong here", "picture": "a dump"}],
            "counterexamples": ["martians are welcome", {"words": "martians belong here", "picture": "a garden"}],
        },
        {
            "id": "self-harm",
            "title": "Self-harm",
            "definition": "Encourages it.",
            "thresholds": {"review": 0.5, "remove": 0.9},
            "action": "review",
            "examples": ["hurt yourself tonight"],
            "signals": [{"label": "WOUND", "review": 0.3, "remove": 0.6}],
        },
    ],
}


class WordEncoder:
    """Each word a direction, by its checksum; texts that share words are near."""

    name, dimension, modalities = "test:words", 256, frozenset({"text"})

    def __init__(self, fingerprint: str = "1") -> None:
        self.fingerprint = fingerprint
        self.seen: list[str] = []

    def encode(self, inputs: Sequence[Any], *, role: str = "document", instruction: str | None = None) -> Embeddings:
        assert (role, instruction) == ("query", None)
        self.seen += inputs
        if any("poison" in text for text in inputs):
            raise ModelError("it choked")
        rows = np.full((len(inputs), self.dimension), 0.05, np.float32)
        for row, text in zip(rows, inputs, strict=True):
            for word in text.lower().replace("(", " ").replace(")", " ").split():
                row[zlib.crc32(word.encode()) % self.dimension] += 1
        return Embeddings(rows / np.linalg.norm(rows, axis=1, keepdims=True))


class ScriptedChat:
    """Says yes where a word of `yes` stands in the question's post and rule; fills schemas from `answers`."""

    name, fingerprint, supports_images = "test:scripted", "1", False

    def __init__(self, yes: Mapping[str, float], answers: Mapping[str, dict[str, str]] | None = None) -> None:
        self.yes, self.answers = yes, answers or {}
        self.asked: list[Sequence[Message]] = []

    def generate(self, *_: Any, **__: Any) -> Answer:
        raise AssertionError("free text is never asked for")

    def generate_json(self, messages: Sequence[Message], schema: Any, **_: Any) -> Any:
        self.asked.append(messages)
        blank = {"reason": "", "quote": "", "target": ""}
        return schema.model_validate({name: blank | self.answers.get(name, {}) for name in schema.model_fields})

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        assert set(choices) == {"yes", "no"}
        self.asked.append(messages)
        text = messages[-1].text
        if "poison" in text:
            raise ModelError("no answer within 120 s.")
        chance = next((p for title, p in self.yes.items() if f"the rule “{title}”" in text), 0.01)
        return {"yes": math.log(chance), "no": math.log(1 - chance)}


@pytest.fixture
def policy() -> Policy:
    return Policy.model_validate(POLICY)


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def scripted() -> type[ScriptedChat]:
    return ScriptedChat


@pytest.fixture
def collection(tmp_path) -> Collection:
    return Collection.open(tmp_path / "collection")


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(cache=tmp_path / "cache", batch=2)


@pytest.fixture
def use_model(monkeypatch) -> Callable[[Any], None]:
    """Let every runtime give this model for its kind."""
    models: dict[str, Any] = {}
    load = Runtime.load

    def given(self: Runtime, name: str, kind: type) -> Any:
        return models[kind.__name__] if kind.__name__ in models else load(self, name, kind)

    def use(model: Any) -> None:
        models["Chat" if hasattr(model, "choice_logprobs") else "Encoder"] = model
        monkeypatch.setattr(Runtime, "load", given)
        monkeypatch.setattr("alciato.judge.strategies.prototype.curves_for", lambda *_: CURVES)  # it counts words only

    return use


@pytest.fixture
def post() -> Callable[..., Post]:
    """Make a post of texts, each words or (words, name)."""

    def make(*texts: str | tuple[str, str], **metadata: Any) -> Post:
        pairs = [(text, None) if isinstance(text, str) else text for text in texts]
        return Post(Item.of([Text(text=words, name=name) for words, name in pairs], metadata))

    return make
