"""`alciato world make`, `show` and `kinds`: composed posts whose every fact is known."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from alciato.cli.contract import JsonFlag, QuietFlag, Terminal
from alciato.errors import UsageError

KindName = Annotated[str, typer.Argument(help="Kind of post; `alciato world kinds` lists them.")]
Seed = Annotated[int, typer.Option(help="Chooses the posts: the same seed, the same posts.")]
SplitFlag = Annotated[str | None, typer.Option(help="train, validation or test: their concepts do not overlap.")]
Size = Annotated[int | None, typer.Option(min=48, max=2048, help="Pixels of a picture's side. [default: 128]")]
OptionFlag = Annotated[
    list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="An option of the kind, the value in JSON.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    world = typer.Typer(
        no_args_is_help=True, help="Compose posts whose every fact is known, for tests and experiments."
    )
    world.command()(make)
    world.command()(show)
    world.command()(kinds)
    app.add_typer(world, name="world")


def make(
    kind: KindName,
    out: Annotated[Path, typer.Option(help="Folder to write, which `alciato add` reads.")],
    n: Annotated[int, typer.Option("-n", min=1, max=10_000_000, help="How many posts.")] = 100,
    seed: Seed = 7,
    split: SplitFlag = None,
    size: Size = None,
    option: OptionFlag = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; the posts are the same.")] = 1,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write posts of a kind with their truth: JSONL, Parquet and media. Goes on where it was stopped."""
    from alciato import world

    terminal = Terminal(json, quiet)
    posts = world.make(kind, n, seed=seed, split=_split(split), workers=workers, **_options(size, option))
    with terminal.progress() as report:
        folder = world.write(posts, out, report)
    if json:
        terminal.document({"kind": kind, "posts": n, "seed": seed, "split": split, "folder": str(folder)})
    else:
        terminal.say(f"{n} posts of the kind {kind} in {folder}. To take them in: alciato add {folder}")


def show(
    kind: KindName,
    out: Annotated[Path | None, typer.Option(help="PNG file to write. [default: KIND.png]")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=400, help="How many posts.")] = 12,
    seed: Seed = 7,
    split: SplitFlag = None,
    size: Size = None,
    option: OptionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Draw a contact sheet of a kind, to look at: pictures, words and truth of each post."""
    from alciato import world

    file = out or Path(f"{kind}.png")
    posts = world.make(kind, n, seed=seed, split=_split(split), **_options(size, option))
    world.sheet(posts).save(file, "PNG")
    terminal = Terminal(json, quiet)
    if json:
        terminal.document({"kind": kind, "posts": n, "seed": seed, "split": split, "file": str(file)})
    else:
        terminal.say(f"{n} posts of the kind {kind} on {file}")


def kinds(json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """List the kinds of post and what can be chosen for each."""
    from alciato import world

    terminal = Terminal(json, quiet)
    if json:
        told = [(kind, kind.options.model_json_schema()["properties"]) for kind in world.known_kinds()]
        terminal.document([{"kind": kind.name, "about": kind.about, "options": options} for kind, options in told])
        return
    from rich.table import Table

    table = Table("kind", "what it is", "options")
    for kind in world.known_kinds():
        table.add_row(kind.name, kind.about, ", ".join(kind.options.model_fields))
    terminal.show(table)


def _split(split: str | None) -> Any:
    return split  # `make` checks it, with the same error as in Python


def _options(size: int | None, changes: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE, where VALUE is JSON, or a bare word."""
    options: dict[str, Any] = {} if size is None else {"size": size}
    for change in changes or []:
        name, equals, value = change.partition("=")
        if not equals:
            raise UsageError(f"--option {change!r} has no '='.", remedy="Write NAME=VALUE, such as family=photograph.")
        try:
            options[name] = json_module.loads(value)
        except json_module.JSONDecodeError:
            options[name] = value
    return options
