"""The `alciato` command. `--help` loads no model and no heavy library: each command imports what it needs."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from alciato import __version__
from alciato.cli import finding, judging, laboratory, learning, machine, posts
from alciato.cli.contract import FAILED, indented
from alciato.errors import AlciatoError, naming_what_is_missing

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
    """Run a command and leave with its status; errors for people go to standard error, without a traceback."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait starve each other
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # its advice is to those who write programs with it
    _keep_results_apart()
    try:
        with naming_what_is_missing():
            app()
    except AlciatoError as error:
        sys.stderr.write(f"alciato: {indented(str(error))}\n")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
        sys.stderr.write("alciato: stopped. What was done is kept; the same command goes on from there.\n")
        _leave_at_once(FAILED)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


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
