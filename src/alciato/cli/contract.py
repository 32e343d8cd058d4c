"""What all commands share: the same options by the same words, results on standard output, all else on standard error.

Exit status 0: all done; 1: done, but something was skipped and reported; 2: usage; 3: could not.

A command is a function `(session, …)`. `on_collection`, `with_settings` and `plain` append the shared options and
pass what they say as a `Session`, so that no command can lack one or name it otherwise.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.errors import UsageError
from alciato.printable import printable
from alciato.progress import Progress, ProgressCallback, silent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from alciato.cli.tables import Rows
    from alciato.library import Library
    from alciato.settings import Settings

DONE, SKIPPED, USAGE, FAILED = 0, 1, 2, 3

CollectionFlag = Annotated[
    str | None,
    typer.Option(
        "--collection", metavar="DIR", help="Folder or s3:// URI. [default: $ALCIATO_COLLECTION, else ./.alciato]"
    ),
]
ConfigFlag = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings file. [default: ./alciato.toml]")
]
SetFlag = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting, such as models.chat=gguf:/models/qwen.gguf."),
]
OfflineFlag = Annotated[bool, typer.Option("--offline", help="Refuse every connection that leaves this machine.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks, no tables beside results.")]
ItemsFlag = Annotated[
    list[str] | None, typer.Option("--item", metavar="ID", help="Only this post; a unique beginning is enough.")
]
WhereFlag = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="FILTER",
        help="Only posts such as \"author = 'zork'\"; by id, author, created_at, source, label; in search also by "
        "text, kind, language, part.",
    ),
]
SinceFlag = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only posts since then: 2024-05-01, or 7d, 12h ago.")
]
ModelFlag = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="Model to use, such as gguf:PATH or trained:FOLDER."),
]
PolicyFlag = Annotated[
    str | None, typer.Option("--policy", metavar="POLICY", help="A packaged policy, or a YAML file. [default: general]")
]
EncoderFlag = Annotated[str | None, typer.Option("--encoder", metavar="MODEL", help="Encoder of texts.")]
ImageEncoderFlag = Annotated[
    str | None,
    typer.Option("--image-encoder", metavar="MODEL", help="Encoder of pictures and texts in one space."),
]
OptionFlag = Annotated[
    list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="An option of what is named, by its name.")
]


@dataclass(frozen=True)
class Terminal:
    """Where a command writes: results to standard output, remarks and progress to standard error.

    Everything that people read passes here, and nothing passes that a terminal would obey.
    """

    json: bool = False
    quiet: bool = False

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        _write(json.dumps(value, ensure_ascii=False, indent=2))

    def lines(self, values: Iterable[Any]) -> None:
        """Print one JSON value a line, each as soon as it is there."""
        for value in values:
            _write(json.dumps(value, ensure_ascii=False))

    def show(self, what: RenderableType | Rows) -> None:
        """Print a result for people, on standard output."""
        _print(what, stderr=False)

    def say(self, remark: str) -> None:
        """Print a remark on standard error."""
        if not self.quiet:
            sys.stderr.write(indented(remark) + "\n")
            sys.stderr.flush()

    def report(self, what: RenderableType | Rows) -> None:
        """Print a table on standard error."""
        if not self.quiet:
            _print(what, stderr=True)

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """Show a bar with rate and time left on standard error, where that is a terminal."""
        if self.quiet or not sys.stderr.isatty():
            yield silent
            return
        from rich import progress as bars

        columns = [
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[rate]}"),
            bars.TimeRemainingColumn(),
        ]
        with bars.Progress(*columns, console=_console(stderr=True)) as bar:
            yield _Bars(bar)


class _Bars:
    """One bar for each step of a piece of work."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._tasks: dict[str, Any] = {}

    def __call__(self, now: Progress) -> None:
        if now.step not in self._tasks:
            self._tasks[now.step] = self._bar.add_task(printable(now.step), total=now.total, rate="")
        task = self._bar.tasks[self._bar.task_ids.index(self._tasks[now.step])]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        skipped = f", {now.skipped} skipped" if now.skipped else ""
        self._bar.update(task.id, completed=now.done, total=now.total, rate=rate + skipped)


@dataclass(frozen=True)
class Choice:
    """Which posts a command is about: ids or their unique beginnings, a filter, a time. All of them if empty."""

    items: Sequence[str] = ()
    where: str | None = None
    since: str | None = None

    def __bool__(self) -> bool:
        """Whether anything was chosen."""
        return bool(self.items or self.where or self.since)

    @property
    def filter(self) -> str | None:
        """The filter and the time as one condition."""
        conditions = [f"({self.where})"] if self.where and self.since else [self.where] if self.where else []
        if self.since:
            conditions.append(f"created_at >= '{since_time(self.since)}'")
        return " and ".join(conditions) or None

    def ids(self, library: Library) -> list[str] | None:
        """Give the ids of the chosen posts; None for all. Raises `UsageError` for an id that no post has."""
        if not self:
            return None
        named = [library.resolve(item) for item in self.items]
        if self.filter is None:
            return named
        found = library.ids(self.filter)
        return [item for item in found if item in set(named)] if named else found


@dataclass(frozen=True)
class Session:
    """One run of a command: what the shared options say."""

    terminal: Terminal
    collection: str | None = None
    config: Path | None = None
    changes: Sequence[str] = ()
    offline: bool = False
    choice: Choice = field(default_factory=Choice)

    def settings(self, *, runner: str | None = None, models: Mapping[str, str | None] | None = None) -> Settings:
        """Read the settings with the options on top. In `--set NAME=VALUE` a dot goes into a group."""
        from alciato.settings import load_settings

        flags = {"collection": self.collection, "offline": self.offline or None, "runner": runner}
        named = [f"models.{name}={value}" for name, value in (models or {}).items() if value is not None]
        groups: dict[str, dict[str, Any]] = {"": {name: value for name, value in flags.items() if value is not None}}
        for name, value in pairs([*self.changes, *named], "--set", "batch=32").items():
            group, _, setting = name.rpartition(".")
            groups.setdefault(group, {})[setting] = value
        found = load_settings(self.config, **groups.pop(""), **groups)
        if found.offline:
            from alciato.models.offline import guard_process

            guard_process()  # the command owns its process: libraries that we do not control are held to it as well
        return found

    def library(
        self, *, create: bool = False, runner: str | None = None, models: Mapping[str, str | None] | None = None
    ) -> Library:
        """Open the collection that the options, the environment or the settings file name."""
        import alciato
        from alciato.memory import limit_malloc_arenas

        limit_malloc_arenas()  # before LanceDB starts its threads
        return alciato.open(settings=self.settings(runner=runner, models=models), create=create)


def on_collection(command: Callable[..., None], *, choice: bool = False, items: bool = True) -> Callable[..., None]:
    """Make a command that works on a collection; with `choice` it also takes the options that choose posts."""
    chosen: tuple[inspect.Parameter, ...] = (_option("item", ItemsFlag),) if choice and items else ()
    chosen += (_option("where", WhereFlag), _option("since", SinceFlag)) if choice else ()
    return _shared(command, (*chosen, _option("collection", CollectionFlag), *_SETTINGS, *_PLAIN))


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command that reads the settings, but opens no collection by option."""
    return _shared(command, (*_SETTINGS, *_PLAIN))


def plain(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command that only prints."""
    return _shared(command, _PLAIN)


def _option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_SETTINGS = (_option("config", ConfigFlag), _option("set_", SetFlag), _option("offline", OfflineFlag, default=False))
_PLAIN = (_option("json", JsonFlag, default=False), _option("quiet", QuietFlag, default=False))


def _shared(command: Callable[..., None], options: tuple[inspect.Parameter, ...]) -> Callable[..., None]:
    """Build the function that typer sees: the command's own parameters, without the session, then the shared ones."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    names = {parameter.name for parameter in own}

    def run(**given: Any) -> None:
        given = {name: _valid_unicode(value) for name, value in given.items()}
        mine = {name: given.pop(name) for name in names}
        choice = Choice(tuple(given.pop("item", None) or ()), given.pop("where", None), given.pop("since", None))
        terminal = Terminal(given.pop("json"), given.pop("quiet"))
        given["changes"] = tuple(given.pop("set_", None) or ())
        command(Session(terminal, choice=choice, **given), **mine)

    parameters = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *options]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _valid_unicode(value: Any) -> Any:
    """Replace bytes of an argument that are no UTF-8, which no text can hold; paths keep them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return [_valid_unicode(one) for one in value] if isinstance(value, list | tuple) else value


def pairs(changes: Iterable[str] | None, option: str, example: str) -> dict[str, str]:
    """Split NAME=VALUE pairs. Raises `UsageError` for one without `=`."""
    found = {}
    for change in changes or ():
        name, equals, value = change.partition("=")
        if not equals:
            raise UsageError(f"{option} {change!r} has no '='.", remedy=f"Write NAME=VALUE, such as {example}.")
        found[name] = value
    return found


def since_time(since: str) -> str:
    """Give the time that `--since` means: a date or time as it is, or a number of days or hours back from now."""
    from datetime import UTC, datetime, timedelta

    amount, unit = since[:-1], since[-1:]
    try:
        if amount.isdecimal() and unit in "dhm":
            length = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}[unit]
            return (datetime.now(UTC) - int(amount) * length).isoformat(timespec="seconds")
        return datetime.fromisoformat(since).isoformat()
    except (ValueError, OverflowError):  # the latter for what lies before the year 1
        raise UsageError(
            f"--since {since!r} is no time.", remedy="Write a date (2024-05-01), a time (2024-05-01T10:00), 7d or 12h."
        ) from None


def indented(text: str) -> str:
    """Make text safe to print; lines after the first are indented, so that none can pass for another message."""
    return printable(text, lines=True).replace("\n", "\n  ")


def _print(what: RenderableType | Rows, *, stderr: bool) -> None:
    from rich.console import ConsoleRenderable

    from alciato.cli.tables import Rows, Safe

    stream = sys.stderr if stderr else sys.stdout
    if isinstance(what, str):
        stream.write(indented(what) + "\n")
        return
    width = None if stream.isatty() else 100_000  # what is not a terminal is read by a program: nothing is cut
    shown: ConsoleRenderable | Any = what.table(cut=width is None) if isinstance(what, Rows) else what
    _console(stderr=stderr, width=width).print(Safe(shown))


def _console(*, stderr: bool, width: int | None = None) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, width=width)


def _write(line: str) -> None:
    """Write JSON; what a terminal would obey, and bytes of names that are not UTF-8, are written as JSON escapes."""
    if not line.isprintable():
        line = "\n".join(part if part.isprintable() else "".join(map(_json_escape, part)) for part in line.split("\n"))
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _json_escape(letter: str) -> str:
    return letter if printable(letter) == letter else json.dumps(letter)[1:-1]
