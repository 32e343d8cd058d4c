"""`alciato learn judge`, `learn reader`, `learn list`: train a model on your own posts, into one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alciato.cli.contract import DONE, SKIPPED, Session, Terminal, pairs, plain, with_settings
from alciato.errors import UsageError

if TYPE_CHECKING:
    from alciato.learn.training import TrainingResult, Verb

DataArgument = Annotated[str, typer.Argument(metavar="DATA", help="Folder, table of posts, or a collection.")]
StrategyFlag = Annotated[str, typer.Option("--strategy", metavar="NAME", help="`alciato learn list` shows them.")]
OutFlag = Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Folder of the trained model.")]
LabelsFlag = Annotated[Path | None, typer.Option("--labels", metavar="FILE", help="Table of id or file, and label.")]
FieldFlag = Annotated[str, typer.Option("--label-field", metavar="NAME", help="Metadata field of the label.")]
ClassesFlag = Annotated[str | None, typer.Option("--classes", metavar="A,B,C", help="All classes; others are errors.")]
SeedFlag = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of splits, weights and order.")]
EpochsFlag = Annotated[int | None, typer.Option("--epochs", metavar="N", min=1, help="Passes over the training posts.")]
OptionsFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="A hyperparameter (learning_rate=3e-4), or an option of the strategy."
    ),
]
DryFlag = Annotated[bool, typer.Option("--dry-run", help="Train nothing: show one decoded batch.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    learn = typer.Typer(no_args_is_help=True, help="Train a judge or a reader on your own posts.")
    learn.command("judge", help="Train a model for `alciato judge`.")(with_settings(_training_command("judge")))
    learn.command("reader", help="Train a detector for pictures.")(with_settings(_training_command("reader")))
    learn.command("list")(plain(list_))
    app.add_typer(learn, name="learn")


def _training_command(verb: Verb) -> Callable[..., None]:
    """Make the command of a verb: the options are the same for all that can be trained."""

    def command(
        session: Session,
        data: DataArgument,
        strategy: StrategyFlag,
        out: OutFlag = None,
        labels: LabelsFlag = None,
        label_field: FieldFlag = "label",
        classes: ClassesFlag = None,
        seed: SeedFlag = 0,
        epochs: EpochsFlag = None,
        option: OptionsFlag = None,
        dry_run: DryFlag = False,
    ) -> None:
        source = {"data": data, "labels": labels, "field": label_field, "classes": classes}
        training, options = _told_apart(option)
        training = {"seed": seed, **({"epochs": epochs} if epochs else {}), **training}
        _learn(verb, strategy, source, out, training, options, session, dry_run=dry_run)

    return command


def _told_apart(changes: list[str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the numbers of the training from the options of the strategy, by name; pydantic reads the values."""
    from alciato.learn.config import TrainingConfig

    found = pairs(changes, "--option", "learning_rate=3e-4")
    training = {name: value for name, value in found.items() if name in TrainingConfig.model_fields}
    return training, {name: value for name, value in found.items() if name not in training}


def list_(session: Session) -> None:
    """List what can be trained."""
    from alciato.learn.training import TRAINABLE

    terminal = session.terminal
    if terminal.json:
        terminal.document({verb: sorted(names) for verb, names in TRAINABLE.items()})
        return
    for verb, names in TRAINABLE.items():
        for name in sorted(names):
            terminal.show(f"alciato learn {verb} --strategy {name} DATA --out FOLDER")


def _learn(
    verb: Verb,
    strategy: str,
    source: Mapping[str, Any],
    out: Path | None,
    training: Mapping[str, Any],
    options: Mapping[str, Any],
    session: Session,
    *,
    dry_run: bool,
) -> None:
    """Train, or show a batch. Exit status 1 if posts were left out, with the number by reason."""
    from alciato.learn import TRAINABLE, first_batch, load_examples, prepare, train, warnings_of
    from alciato.models import Runtime

    terminal = session.terminal
    if out is None and not dry_run:
        raise UsageError("no folder for the trained model is given.", remedy="Add --out FOLDER, or --dry-run.")
    TRAINABLE[verb].get(strategy)  # an unknown name is an error before the data are read
    runtime = Runtime(session.settings())
    runtime.guard.check_url(source["data"])  # object storage brings sockets of its own
    classes = [name.strip() for name in source["classes"].split(",")] if source["classes"] else None
    examples = load_examples(source["data"], labels=source["labels"], classes=classes, field=source["field"])
    for reason, count in examples.skipped.items():
        terminal.say(f"left out: {count} {reason}")
    plan = prepare(verb, strategy, examples, training=training, options=options, runtime=runtime)
    _say_counts(terminal, plan.counts, warnings_of(plan))
    if dry_run or out is None:
        _show_batch(terminal, first_batch(plan))
    else:
        with terminal.progress() as progress:
            result = train(plan, out, progress)
        _show_result(terminal, result)
    raise typer.Exit(SKIPPED if examples.skipped else DONE)


def _say_counts(terminal: Terminal, counts: Mapping[str, Mapping[str, int]], warnings: Sequence[str]) -> None:
    for split, classes in counts.items():
        terminal.say(f"{split}: " + ", ".join(f"{count} {name}" for name, count in classes.items()))
    for warning in warnings:
        terminal.say(f"warning: {warning}")


def _show_batch(terminal: Terminal, rows: list[dict[str, Any]]) -> None:
    if terminal.json:
        terminal.document(rows)
        return
    from alciato.cli.tables import Column, Rows

    columns = [Column(name, 1) for name in rows[0]]
    told = [["" if value is None else str(value) for value in row.values()] for row in rows]
    terminal.show(Rows(columns, told, title=f"one batch of {len(rows)}"))


def _show_result(terminal: Terminal, result: TrainingResult) -> None:
    if terminal.json:
        document = {"model": f"trained:{result.folder}", "metrics": result.metrics, "counts": result.counts}
        terminal.document({**document, "skipped": result.skipped, "steps": result.steps, "warnings": result.warnings})
        return
    for name, value in result.metrics.items():
        terminal.show(f"{name}: {value:.4f}")
    terminal.say(f"trained:{result.folder} after {result.steps} steps; its card is {result.folder}/README.md")
