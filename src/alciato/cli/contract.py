"""What every command keeps to: the same flags, results on standard output, everything else on standard error.

Exit status 0: all done; 1: done, but something was skipped and reported; 2: usage; 3: could not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.errors import UsageError
from alciato.progress import Progress, ProgressCallback, silent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from alciato.library import Library
    from alciato.settings import Settings

DONE, SKIPPED, USAGE, FAILED = 0, 1, 2, 3

CollectionFlag = Annotated[
    str | None,
    typer.Option(
        "--collection", metavar="DIR", help="Folder or s3:// URI. [default: $ALCIATO_COLLECTION, else ./.alciato]"
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")]
SetFlag = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting, such as models.chat=gguf:/models/qwen.gguf."),
]
OfflineFlag = Annotated[bool, typer.Option("--offline", help="Refuse every connection that leaves this machine.")]


@dataclass(frozen=True)
class Terminal:
    """Where a command writes: results to standard output, remarks and progress to standard error."""

    json: bool = False
    quiet: bool = False

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        _write(json.dumps(value, ensure_ascii=False, indent=2))

    def lines(self, values: Iterable[Any]) -> None:
        """Print one JSON value a line, each as soon as it is there."""
        for value in values:
            _write(json.dumps(value, ensure_ascii=False))

    def show(self, what: RenderableType) -> None:
        """Print a result for people, on standard output."""
        _console(stderr=False).print(what)

    def say(self, remark: str) -> None:
        """Print a remark on standard error."""
        if not self.quiet:
            _console(stderr=True).print(remark, markup=False, highlight=False, soft_wrap=True)

    def table(self, what: RenderableType) -> None:
        """Print a report on standard error."""
        if not self.quiet:
            _console(stderr=True).print(what)

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """Show a bar with rate and time left on standard error, where that is a terminal."""
        if self.quiet or not sys.stderr.isatty():
            yield silent
            return
        from rich import progress as bars

        columns = [
            bars.TextColumn("{task.description}"),
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
            self._tasks[now.step] = self._bar.add_task(now.step, total=now.total, rate="")
        task = self._bar.tasks[self._bar.task_ids.index(self._tasks[now.step])]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        skipped = f", {now.skipped} skipped" if now.skipped else ""
        self._bar.update(task.id, completed=now.done, total=now.total, rate=rate + skipped)


def open_library(
    collection: str | None,
    changes: list[str] | None = None,
    *,
    offline: bool = False,
    create: bool = False,
    runner: str | None = None,
    models: Mapping[str, str | None] | None = None,
) -> Library:
    """Open the collection that the flags, the environment or the settings file name."""
    import alciato

    chosen = settings(changes, collection=collection, offline=offline or None, runner=runner, models=models)
    return alciato.open(settings=chosen, create=create)


def settings(
    changes: list[str] | None = None,
    *,
    collection: str | None = None,
    offline: bool | None = None,
    runner: str | None = None,
    models: Mapping[str, str | None] | None = None,
) -> Settings:
    """Read the settings with the flags on top. In `--set NAME=VALUE` a dot goes into a group."""
    from alciato.settings import load_settings

    flags = {"collection": collection, "offline": offline, "runner": runner}
    named = [f"models.{name}={value}" for name, value in (models or {}).items() if value is not None]
    groups: dict[str, dict[str, Any]] = {"": {name: value for name, value in flags.items() if value is not None}}
    for change in (*(changes or []), *named):
        name, equals, value = change.partition("=")
        if not equals:
            raise UsageError(f"--set {change!r} has no '='.", remedy="Write NAME=VALUE, such as batch=32.")
        group, _, field = name.rpartition(".")
        groups.setdefault(group, {})[field] = value
    return load_settings(**groups.pop(""), **groups)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)


def _write(line: str) -> None:
    """Write a line of JSON; a file name that is not UTF-8 keeps its odd bytes as JSON escapes."""
    sys.stdout.write(line.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    sys.stdout.flush()
