"""The command reference is what the command line says of itself; all commands share the same words."""

import re
import resource
import subprocess
import sys

from typer.main import get_command

from alciato.cli.main import app
from alciato.settings import Models
from tool_loading import load_tool


def commands(command=None, path="alciato"):
    for name, inner in (command or get_command(app)).commands.items():
        if hasattr(inner, "commands"):
            yield from commands(inner, f"{path} {name}")
        else:
            yield f"{path} {name}", inner


def options_of(command):
    return {name: option for option in command.params for name in option.opts if name.startswith("--")}


def test_the_reference_is_not_old():
    tool = load_tool("commands")
    assert tool.PAGE.read_text("utf-8") == tool.page(), "run: python tools/commands.py --write"


def test_every_command_takes_json_and_quiet_and_says_what_it_does():
    for path, command in commands():
        assert {"--json", "--quiet"} <= set(options_of(command)), path
        assert command.help, path


def test_a_command_with_a_collection_takes_all_that_concerns_one():
    found = [(path, set(options_of(command))) for path, command in commands() if "--collection" in options_of(command)]
    names = {path.removeprefix("alciato ") for path, _ in found}
    assert {"add", "read", "search", "similar", "duplicates", "judge", "ask", "status", "show", "export"} <= names
    for path, options in found:
        assert {"--config", "--set", "--offline"} <= options, path


OWN_WORDS = {"--again", "--option", "--out", "--seed", "--strategy"}
"""Options of which a group of commands says what they are for it: what is done again, which folder is written."""


def test_an_option_means_the_same_in_every_command():
    meanings = {}
    for path, command in commands():
        for name, option in options_of(command).items():
            if name not in OWN_WORDS:
                meanings.setdefault(name, {}).setdefault((option.help, option.metavar), []).append(path)
    assert {name: told for name, told in meanings.items() if len(told) != 1} == {}


def test_a_model_a_policy_and_a_collection_are_named_by_the_same_words():
    """`--model`, or the name of the setting; `--policy`; `--collection`, or an argument that takes other data too."""
    models = {"--model", *(f"--{name.replace('_', '-')}" for name in Models.model_fields)}
    named = {"MODEL": models, "POLICY": {"--policy"}, "DIR": {"--collection", "--results"}}
    for path, command in commands():
        for name, option in options_of(command).items():
            for metavar, names in named.items():
                assert (option.metavar == metavar) == (name in names), (path, name)


def test_a_line_says_what_a_command_is_for_and_fits_80_columns():
    for group in (get_command(app), *(c for c in get_command(app).commands.values() if hasattr(c, "commands"))):
        for name, command in group.commands.items():
            line = command.get_short_help_str(limit=80 - 6 - len("experiments"))
            assert not line.endswith("..."), f"{name}: {line}"


def test_the_help_promises_no_language():
    for path, command in commands():
        assert "any language" not in " ".join([command.help, *(one.help or "" for one in command.params)]), path


def test_posts_are_chosen_alike():
    by_name = {path.removeprefix("alciato "): set(options_of(command)) for path, command in commands()}
    for name in ("search", "judge", "export", "read", "remove"):
        assert {"--where", "--since"} <= by_name[name], name


def test_help_takes_at_most_1_8_times_the_bare_import_of_typer_and_rich():
    """Least processor time of several, taken in turn: what else the machine does counts little."""

    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    pairs = [(seconds("-c", "import typer, rich"), seconds("-m", "alciato", "--help")) for _ in range(5)]
    bare, helped = (min(times) for times in zip(*pairs, strict=True))
    assert helped <= 1.8 * bare, f"{helped:.3f} s against {bare:.3f} s"


def test_the_help_names_no_type_of_python(alciato):
    """`PATH <list[Path]>` and `-n <int range>` stood there."""
    for path, _ in commands():
        told = alciato(*path.split()[1:], "--help").stdout
        assert "Usage: " in told
        assert not re.findall(r"<\w+[^=\n]*>", told), path
