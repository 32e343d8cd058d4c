"""Alciato reads, finds, judges and answers from memes, screenshots, photos, clips and threads.

    import alciato
    posts = alciato.open("my-posts")
    posts.add("folder/")
    for hit in posts.search("a cat that wants Monday to end"):
        print(hit.source, hit.text)

Importing this loads no model and no heavy library: each name is loaded when it is first used.
The verbs themselves are functions in the folders of their names, such as `alciato.search.search`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.item import Audio, Image, Item, Link, Post, Reading, Table, Text, Verdict, Video
    from alciato.library import Library
    from alciato.library import open_library as open  # noqa: A004 - alciato.open, as in gzip.open
    from alciato.settings import Settings, load_settings
    from alciato.store import Collection

__version__ = "0.1.0"

_PLACES = {
    "alciato.item": ("Audio", "Image", "Item", "Link", "Post", "Reading", "Table", "Text", "Verdict", "Video"),
    "alciato.library": ("Library",),
    "alciato.settings": ("Settings", "load_settings"),
    "alciato.store": ("Collection",),
}

__all__ = [
    "Audio",
    "Collection",
    "Image",
    "Item",
    "Library",
    "Link",
    "Post",
    "Reading",
    "Settings",
    "Table",
    "Text",
    "Verdict",
    "Video",
    "load_settings",
    "open",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name == "open":
        return import_module("alciato.library").open_library
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(module), name)
    message = f"module 'alciato' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
