"""Read: what is in each item, with where and how sure, kept beside it with the model that read it.

from alciato.read import read
read(collection, settings)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.read.audio import sound
    from alciato.read.pictures import decode_picture
    from alciato.read.pipeline import ReadSummary, read, read_post, unread
    from alciato.read.video import KeyFrame, key_frames

__all__ = ["KeyFrame", "ReadSummary", "decode_picture", "key_frames", "read", "read_post", "sound", "unread"]

_PLACES = {
    "KeyFrame": "video",
    "ReadSummary": "pipeline",
    "decode_picture": "pictures",
    "key_frames": "video",
    "read": "pipeline",
    "read_post": "pipeline",
    "sound": "audio",
    "unread": "pipeline",
}


def __getattr__(name: str) -> Any:
    """Load what is named when it is first used: readers bring models, Daft and LanceDB."""
    from importlib import import_module

    if name not in _PLACES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
