"""Search: posts by words, by a picture, or by both; near copies; each hit says which part matched, and why.

from alciato.search import search
hits = search(collection, "a cat that wants Monday to end", where="created_at > '2024-05-01'")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.search.clustering import duplicates
    from alciato.search.finding import search
    from alciato.search.hit import Cluster, Hit, Member, Reason
    from alciato.search.similarity import similar

__all__ = ["Cluster", "Hit", "Member", "Reason", "duplicates", "search", "similar"]

_PLACES = {
    "Cluster": "hit",
    "Hit": "hit",
    "Member": "hit",
    "Reason": "hit",
    "duplicates": "clustering",
    "search": "finding",
    "similar": "similarity",
}


def __getattr__(name: str) -> Any:
    """Load what is named when it is first used: search brings LanceDB and the encoder."""
    from importlib import import_module

    if name not in _PLACES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
