"""The `alciato` command. `--help` loads no model and no heavy library: each command imports what it needs."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from alciato import __version__
from alciato.cli import finding, judging, laboratory, learning, machine, posts
from alciato.cli.contract import DONE, FAILED, USAGE, indented
from alciato.errors import AlciatoError, naming_what_is_missing
from alciato.printable import printable

_INTERRUPTED = 130
"""What typer leaves with after ctrl-C."""

app = typer.Typer(
    name="alciato",
    help="Read, find, judge and answer from memes, screenshots, photos, clips and threads. Offline, on two cores.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help as plain text: it starts in half the time, and a pipe is not wrapped in boxes
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (posts, finding, judging, learning, machine, laboratory):
    part.register(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"alciato {__version__}")
        raise typer.Exit


@app.callback()
def alciato(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read, find, judge and answer from memes, screenshots, photos, clips and threads. Offline, on two cores."""


def main() -> None:
    """Run the command that the process was started with, and leave with its status. Changes the process itself."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait starve each other
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # its advice is to those who write programs with it
    _keep_results_apart()
    sys.excepthook = _print_traceback
    try:
        status = run()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    if status == _INTERRUPTED:
        sys.stderr.write("alciato: stopped. What was done is kept; the same command goes on from there.\n")
        _leave_at_once(FAILED)
    sys.exit(status)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default that of the process, and return its exit status.

    Errors for people, and warnings of any library, go to standard error: without a traceback, and safe to print.
    """
    try:
        with naming_what_is_missing(), _printable_warnings():
            # Not `app()`, which puts a hook for tracebacks of its own into the process.
            return _without_types(get_command(app))(arguments, prog_name="alciato", standalone_mode=False) or DONE
    except AlciatoError as error:
        sys.stderr.write(f"alciato: {indented(str(error))}\n")
        return error.exit_code
    except _NotUnderstood as error:
        sys.stderr.write(_usage_message(error))
        return USAGE
    except typer.Abort as error:  # the answer to a question was no
        if isinstance(error.__cause__, EOFError):
            raise error.__cause__ from None  # a defect: typer takes the end of any file for the end of the answers
        sys.stderr.write("alciato: nothing was done.\n")
        return FAILED


def _without_types(command: Any) -> Any:
    """Leave the Python type of each argument, such as `<list[Path]>`, out of the help; typer has no option for it."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None  # noqa: ARG005
    for inner in getattr(command, "commands", {}).values():
        _without_types(inner)
    return command


_NotUnderstood: Any = typer.BadParameter.__mro__[1]
"""What typer raises for words that it does not understand; typer has no public name for it."""


def _usage_message(error: Any) -> str:
    told = error.format_message()
    if told.startswith("Usage:"):  # a group of commands without a command: its help
        return str(told) + "\n"
    path = error.ctx.command_path if error.ctx else "alciato"
    ended = indented(told) if told.endswith(("?", "!")) else f"{indented(told).rstrip('.')}."
    return f"alciato: {ended} See `{path} --help`.\n"


@contextmanager
def _printable_warnings() -> Iterator[None]:
    """Print what is logged or warned, by whichever library, on standard error, with control characters escaped."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.format = lambda record: f"alciato: {indented(record.getMessage())}"  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a defect, with control characters escaped."""
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace)), lines=True))


def _keep_results_apart() -> None:
    """Write results to a copy of standard output, and turn the original to standard error.

    Libraries in other languages print to it what is not a result, such as Daft when it is interrupted.
    """
    if sys.stdout is None:  # closed: `>&-`
        return
    results = os.fdopen(os.dup(1), "wb")
    sys.stdout = io.TextIOWrapper(
        results, sys.stdout.encoding, errors=sys.stdout.errors, line_buffering=bool(sys.stdout.line_buffering)
    )
    os.dup2(2, 1)


def _leave_at_once(status: int) -> NoReturn:
    """Leave without unwinding: a model may still be at work on another thread, and ending that aborts the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
