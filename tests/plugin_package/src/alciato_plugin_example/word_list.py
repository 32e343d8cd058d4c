"""Word list: a category is reached where a post holds one of its words. The simplest judge there is, as a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from alciato.errors import UsageError
from alciato.item import Item, Text
from alciato.judge import Judgement, Match, Policy, Strategy, StrategyExample, load_policy
from alciato.models import Runtime
from alciato.read import Content
from pydantic import BaseModel, ConfigDict, Field


class WordList(Strategy):
    """Score 1 for the category named in the options where a text of the item holds one of the words, else 0."""

    name = "word-list"

    class Options(BaseModel):
        """Words to look for, and the category that they break."""

        model_config = ConfigDict(extra="forbid")
        words: tuple[str, ...] = Field(("volcano",), min_length=1)
        category: str = "hate"

    def __init__(self, policy: Policy, options: Options) -> None:
        self._policy, self._options = policy, options
        self.model = f"word-list@{'+'.join(sorted(options.words))}"

    @classmethod
    def load(cls, policy: Policy, runtime: Runtime, options: Options) -> Self:
        """Make the strategy. Raises `UsageError` where the policy has no such category."""
        del runtime  # it needs no model
        if options.category not in {category.id for category in policy.categories}:
            raise UsageError(f"the policy {policy.name!r} has no category {options.category!r}.")
        return cls(policy, options)

    @classmethod
    def examples(cls) -> Sequence[StrategyExample]:
        """Give one post that holds a word and one that does not."""
        policy = load_policy("general")
        return [
            StrategyExample(Item.of([Text(text="Into the volcano with them")]), policy, "remove"),
            StrategyExample(Item.of([Text(text="Dinner is at eight")]), policy, "allow"),
        ]

    def judge(self, contents: Sequence[Content]) -> list[Judgement]:
        """Judge some items."""
        return [self._one(content) for content in contents]

    def _one(self, content: Content) -> Judgement:
        scores = {category.id: 0.0 for category in self._policy.categories}
        for place in content.texts:
            for word in self._options.words:
                if word in place.text.casefold():
                    scores[self._options.category] = 1.0
                    match = Match(self._options.category, 1.0, f"a text holds “{word}”", (place,))
                    return Judgement(scores, (match,))
        return Judgement(scores)
