"""`alciato search`, `similar`, `duplicates` and `ask`: find posts, near copies and answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alciato.cli.contract import EncoderFlag, ImageEncoderFlag, ModelFlag, Session, on_collection
from alciato.errors import UsageError

if TYPE_CHECKING:
    from alciato.library import Library
    from alciato.search import Hit

HitsFlag = Annotated[int, typer.Option("-k", metavar="N", min=1, max=10_000, help="Hits at most.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(on_collection(search, choice=True, items=False))
    app.command()(on_collection(similar))
    app.command()(on_collection(duplicates))
    app.command()(on_collection(ask))


def search(
    session: Session,
    words: Annotated[str | None, typer.Argument(metavar="WORDS", help="Words to search for.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="PATH", help="A picture to find near copies of.")] = None,
    k: HitsFlag = 10,
    encoder: EncoderFlag = None,
    image_encoder: ImageEncoderFlag = None,
) -> None:
    """Find posts by words, by a picture, or by both.

    Each hit says which part of the post matched, and which retrievers found it. Single words in another language than
    the posts are often missed; a phrase does better.
    """
    if words is None and image is None:
        raise UsageError("nothing to search for.", remedy="Give words, --image PATH, or both.")
    library = session.library(models={"encoder": encoder, "image_encoder": image_encoder})
    _check_vectors(library, encoder, "alciato embed --encoder")
    _check_vectors(library, image_encoder, "alciato read --set models.image_encoder=")
    _show_hits(session, library, library.search(words, image=image, where=session.choice.filter, k=k))


def _check_vectors(library: Library, encoder: str | None, makes_them: str) -> None:
    """Refuse an encoder that was named for this search and cannot be used: it is not there, or has no vectors here."""
    if encoder is None:
        return
    from alciato.models import Encoder

    library.runtime.describe(encoder, Encoder, fetch=False)
    if not library.collection.encoders_named(encoder):
        command = makes_them + ("" if makes_them.endswith("=") else " ") + encoder
        raise UsageError(f"the collection has no vectors by {encoder}.", remedy=f"`{command}` makes them.")


def similar(
    session: Session,
    item: Annotated[str, typer.Argument(metavar="ID", help="Id of a post, or its unique beginning.")],
    k: HitsFlag = 10,
) -> None:
    """Find the posts that are most similar to a post."""
    library = session.library()
    _show_hits(session, library, library.similar(library.resolve(item), k=k))


def duplicates(session: Session) -> None:
    """Group near copies of pictures.

    Each relates to the representative, the copy of highest quality: copy (resized or recompressed), crop, recaption
    (other words), frame (of a clip), linked (a near copy of another one of the group).
    """
    from alciato.library import as_json

    terminal = session.terminal
    clusters = session.library().duplicates()
    if terminal.json:
        terminal.document([as_json(cluster) for cluster in clusters])
        return
    from alciato.cli.tables import cluster_table

    terminal.show(cluster_table(clusters)) if clusters else terminal.say("no near copies")


def ask(
    session: Session,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="Best in the language of the posts.")],
    k: Annotated[int, typer.Option("-k", metavar="N", min=1, max=100, help="Posts to answer from at most.")] = 8,
    model: ModelFlag = None,
) -> None:
    """Answer a question from the posts. Every sentence cites the posts that it rests on."""
    terminal = session.terminal
    reply = session.library(models={"chat": model}).ask(question, k=k)
    if terminal.json:
        from alciato.library import as_json

        terminal.document(as_json(reply))
        return
    from alciato.ask import render

    terminal.show(render(reply))


def _show_hits(session: Session, library: Library, hits: list[Hit]) -> None:
    from alciato.library import as_json

    terminal = session.terminal
    if terminal.json:
        terminal.document([as_json(hit) for hit in hits])
        return
    from alciato.cli.tables import hit_table

    if hits:
        terminal.show(hit_table(hits))
        return
    from alciato.read import unread

    waiting = len(unread(library.collection, library.runtime))
    terminal.say("nothing found" + (f"; `alciato read` has {waiting} posts still to read" if waiting else ""))
