"""The `alciato` command. `--help` loads no model and no heavy library: each command imports what it needs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from alciato import __version__
from alciato.cli import answering, collecting, experimenting, finding, judging, learning, plugging, showing, worlds
from alciato.cli.contract import FAILED
from alciato.errors import AlciatoError

_INTERRUPTED = 130
"""What typer leaves with after ctrl-C."""

app = typer.Typer(
    name="alciato",
    help="Read, find, judge and answer from memes, screenshots, photos, clips and threads. Offline, on two cores.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (collecting, finding, judging, answering, plugging, showing, worlds, learning, experimenting):
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
    try:
        app()
    except AlciatoError as error:
        sys.stderr.write(f"alciato: {error}\n")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
        sys.stderr.write("alciato: stopped. What was done is kept; the same command goes on from there.\n")
        sys.exit(FAILED)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
