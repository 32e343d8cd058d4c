"""Questions to answers: search, choose passages, answer with citations, or say that the posts do not hold it.

Public: `ask`, `Reply`, `Sentence`, `Citation`, `render`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.ask.answer import ask
    from alciato.ask.reply import Citation, Reply, Sentence
    from alciato.ask.terminal import render

_HOMES = {"ask": "answer", "Reply": "reply", "Sentence": "reply", "Citation": "reply", "render": "terminal"}

__all__ = ["Citation", "Reply", "Sentence", "ask", "render"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
