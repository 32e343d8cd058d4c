"""The emblem world: composed posts whose every fact is known. A laboratory, not a claim about photographs.

`make("scene", n=100, seed=7)` gives posts with picture, words, item and typed truth; `write` puts them into a folder
that `alciato add` reads; `sheet` shows many at a glance. One seed, one post, the same everywhere.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.world.contact_sheet import sheet
    from alciato.world.draw import SPLITS, Draw, Pool, Split
    from alciato.world.folder import read_truth, write
    from alciato.world.making import Posts, make
    from alciato.world.post import Clip, Composition, Line, Recording, Shown, Truth, Word, WorldPost
    from alciato.world.registry import Cue, Kind, Options, kind_named, known_kinds, register

_PLACES = {
    "draw": ("SPLITS", "Draw", "Pool", "Split"),
    "folder": ("read_truth", "write"),
    "making": ("Posts", "make"),
    "post": ("Clip", "Composition", "Line", "Recording", "Shown", "Truth", "Word", "WorldPost"),
    "registry": ("Cue", "Kind", "Options", "kind_named", "known_kinds", "register"),
    "contact_sheet": ("sheet",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "SPLITS",
    "Clip",
    "Composition",
    "Cue",
    "Draw",
    "Kind",
    "Line",
    "Options",
    "Pool",
    "Posts",
    "Recording",
    "Shown",
    "Split",
    "Truth",
    "Word",
    "WorldPost",
    "kind_named",
    "known_kinds",
    "make",
    "read_truth",
    "register",
    "sheet",
    "write",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: drawing needs numpy and PIL, `import alciato` must not."""
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
