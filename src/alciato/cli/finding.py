"""`alciato search`, `similar` and `duplicates`: find posts, and near copies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alciato.cli.contract import CollectionFlag, JsonFlag, OfflineFlag, QuietFlag, SetFlag, Terminal, open_library
from alciato.errors import UsageError

if TYPE_CHECKING:
    from alciato.search import Hit


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(search)
    app.command()(similar)
    app.command()(duplicates)


def search(
    words: Annotated[str | None, typer.Argument(help="What you remember of it, in any language.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture to find near copies of.")] = None,
    where: Annotated[str | None, typer.Option(help="Filter, such as \"created_at > '2024-05-01'\".")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Hits at most.")] = 10,
    image_encoder: Annotated[str | None, typer.Option(help="Model with pictures and words in one space.")] = None,
    offline: OfflineFlag = False,
    set_: SetFlag = None,
    collection: CollectionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Find posts by words, by a picture, or by both. Each hit says which part matched, and why."""
    if words is None and image is None:
        raise UsageError("nothing to search for.", remedy="Give words, --image PATH, or both.")
    terminal = Terminal(json, quiet)
    library = open_library(collection, set_, offline=offline, models={"image_encoder": image_encoder})
    hits = library.search(words, image=image, where=where, k=k)
    _show_hits(terminal, hits)


def similar(
    item: Annotated[str, typer.Argument(help="Id of a post, as `search` prints it.")],
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Hits at most.")] = 10,
    set_: SetFlag = None,
    collection: CollectionFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Find the posts that are most like one of the collection."""
    library = open_library(collection, set_)
    _show_hits(Terminal(json, quiet), library.similar(item, k=k))


def duplicates(
    set_: SetFlag = None, collection: CollectionFlag = None, json: JsonFlag = False, quiet: QuietFlag = False
) -> None:
    """Group near copies: resized, recompressed, cropped, with other words, a frame of a clip."""
    from alciato.library import as_json

    terminal = Terminal(json, quiet)
    clusters = open_library(collection, set_).duplicates()
    if json:
        terminal.document([as_json(cluster) for cluster in clusters])
        return
    from alciato.cli.tables import cluster_table

    terminal.show(cluster_table(clusters)) if clusters else terminal.say("no near copies")


def _show_hits(terminal: Terminal, hits: list[Hit]) -> None:
    from alciato.library import as_json

    if terminal.json:
        terminal.document([as_json(hit) for hit in hits])
        return
    from alciato.cli.tables import hit_table

    terminal.show(hit_table(hits)) if hits else terminal.say("nothing found")
