"""`Registry`: named, lazily imported members of one kind, such as strategies or retrievers; open to third parties.

    STRATEGIES = Registry("strategy", {"prompt": "alciato.judge.strategies.prompt:Prompt"}, group="alciato.strategies")
    STRATEGIES.get("prompt")

A member is a class, a function or a description. What Alciato ships is listed as `module:attribute` and imported when
it is first asked for. An installed package adds members by entry points of the registry's group; a program adds them
with `register`, itself or as `module:attribute`. A name that is taken is an error, never a replacement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from alciato.errors import UsageError, naming_what_is_missing, unknown_name

Member = TypeVar("Member")
AnyOptions = TypeVar("AnyOptions", bound=BaseModel)


class Registry(Generic[Member]):
    """Members by name. `kind` is what messages call a member; `group` is the entry-point group of plug-ins."""

    def __init__(self, kind: str, shipped: Mapping[str, str], *, group: str) -> None:
        self.kind, self.group = kind, group
        self._shipped = dict(shipped)
        self.registered_members: dict[str, Member | str] = {}
        """What this process added: a worker process is given it."""

    def names(self) -> list[str]:
        """List all names: shipped ones first, then those of plug-ins, then registered ones.

        Raises:
            UsageError: a plug-in offers a name that is taken.
        """
        return [*self._shipped, *self._plug_ins, *self.registered_members]

    def get(self, name: str) -> Member:
        """Import and return the member of that name.

        Raises:
            UsageError: an unknown name (nearest first), or a plug-in that offers a taken name.
            MissingPackage: a package that the member needs is not installed.
        """
        found = self.registered_members.get(name) or self._shipped.get(name)
        if isinstance(found, str):
            module, attribute = found.split(":")
            with naming_what_is_missing():
                return cast("Member", getattr(import_module(module), attribute))
        if found is not None:
            return found
        if name in self._plug_ins:
            return self._load(self._plug_ins[name])
        raise unknown_name(self.kind, name, self.names())

    def register(self, name: str, member: Member | str) -> None:
        """Add a member, or its `module:attribute`, for the life of the process.

        Raises:
            UsageError: the name is taken.
        """
        if name in self.names():
            raise UsageError(f"a {self.kind} named {name!r} exists already.", remedy="Choose another name.")
        self.registered_members[name] = member

    @contextmanager
    def registered(self, name: str, member: Member | str) -> Iterator[None]:
        """Add a member for the length of a block."""
        self.register(name, member)
        try:
            yield
        finally:
            del self.registered_members[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a member of that name; nothing is imported."""
        return name in self._shipped or name in self.registered_members or name in self._plug_ins

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.names())

    @cached_property
    def _plug_ins(self) -> dict[str, EntryPoint]:
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            if point.name in self._shipped or point.name in found:
                other = _package(found[point.name]) if point.name in found else "alciato"
                raise UsageError(
                    f"the {self.kind} {point.name!r} of the package {_package(point)} is offered by {other} already.",
                    remedy=f"Uninstall one of them, or rename it in the entry points of the group {self.group!r}.",
                )
            found[point.name] = point
        return found

    def _load(self, point: EntryPoint) -> Member:
        try:
            with naming_what_is_missing():
                return cast("Member", point.load())
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"the {self.kind} {point.name!r} of the package {_package(point)} cannot be imported: {error}.",
                remedy=f"Repair or uninstall {_package(point)}.",
            ) from error


class NoOptions(BaseModel):
    """Options of a member that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_options(options: type[AnyOptions], given: Mapping[str, Any], owner: str) -> AnyOptions:
    """Validate the options given for a member. Raises `UsageError` that names all wrong fields and the known ones."""
    try:
        return options.model_validate(dict(given))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        known = ", ".join(options.model_fields) or "none"
        raise UsageError(f"options of {owner}: {faults}.", remedy=f"Known: {known}.") from error


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.module.partition(".")[0]
