"""The collection: items, media, readings, searchable units and verdicts in LanceDB tables.

A folder or an `s3://` URI. Versioned, atomic, one writer at a time, any number of readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.store.collection import Added, Collection
    from alciato.store.status import Status

__all__ = ["Added", "Collection", "Status"]


def __getattr__(name: str) -> Any:
    """Load the store when it is first used: LanceDB is heavy."""
    from importlib import import_module

    places = {"Added": "collection", "Collection": "collection", "Status": "status"}
    if name not in places:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{places[name]}"), name)
