"""Prints the command reference from the command line itself; `--write` puts it into `docs/commands.md`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from alciato.cli.main import app

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
HEAD = """# Commands

Written by `python tools/commands.py --write` from the command line; a test says when it is old.
The README tells what all commands share.
"""


def page() -> str:
    """One section a command: what it does, then each argument and option."""
    return HEAD + "".join(_section(path, command) for path, command in _commands(get_command(app), "alciato"))


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        if hasattr(inner, "commands"):
            yield from _commands(inner, f"{path} {name}")
        else:
            yield f"{path} {name}", inner


def _section(path: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and "--help" not in one.opts]
    usage = " ".join([path, *(_usage(one) for one in arguments)])
    lines = [f"\n## {path}", "", f"`{usage}`", "", " ".join((command.help or "").split()), ""]
    lines += [f"- `{_usage(one)}`: {_help(one)}" for one in arguments if one.help]
    lines += [f"- `{_option(one)}`: {_help(one)}" for one in options]
    return "\n".join(lines) + "\n"


def _usage(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or 'VALUE'}"


def _help(parameter: Any) -> str:
    default = parameter.default
    plain = default not in (None, False, ()) and not callable(default) and parameter.nargs != -1
    return f"{parameter.help or ''}{f' [default: {default}]' if plain and not parameter.required else ''}".strip()


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page())
