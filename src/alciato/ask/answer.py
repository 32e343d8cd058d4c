"""`ask`: search, choose passages, answer with citations; or say that the collection does not hold it."""

from __future__ import annotations

from collections.abc import Sequence

from alciato.ask.citations import Numbering, Passage, passages
from alciato.ask.extract import best_passages, extract
from alciato.ask.reply import Reply
from alciato.ask.support import Measure
from alciato.ask.write import PASSAGES, write
from alciato.errors import UsageError
from alciato.models import Chat, Encoder, Runtime, default_runtime
from alciato.search import search
from alciato.search.calibration import calibration_of
from alciato.store import Collection

EXTRACTIVE = "packaged:smollm2"
"""The packaged chat model is too small to write answers that hold: with it, answers are quotations."""


def ask(
    collection: Collection, question: str, *, k: int = 8, runtime: Runtime | None = None, chat: Chat | None = None
) -> Reply:
    """Answer a question from the collection. Every sentence cites the passages that it rests on.

    `k` is the number of posts to answer from at most. The chat model that the settings name writes the answer,
    `chat` in its place if given; with the packaged one the answer is made of quotations. Where the posts do not
    hold an answer, `found` is False. Raises `UsageError` for an empty question.
    """
    runtime = runtime or default_runtime()
    question = question.strip()
    if not question:
        raise UsageError("the question is empty.", remedy="Write one, such as: who complains about Mondays?")
    encoder = runtime.load(runtime.settings.models.encoder, Encoder)
    found = _found(collection, question, k, runtime)
    measure = Measure(question, encoder, calibration_of(collection, encoder, runtime=runtime).isotropy)
    items = {item.id: item for item in collection.items(sorted({u.item for one in found for u in one.segments}))}
    writes = chat is not None or runtime.settings.models.chat != EXTRACTIVE
    chosen = best_passages(measure, found, PASSAGES) if writes else best_passages(measure, found)
    if writes and chosen:
        writer = chat or runtime.load(runtime.settings.models.chat, Chat)
        reply = write(measure, chosen, Numbering(items), writer)
        if reply.found:
            return reply
        quoted = extract(question, best_passages(measure, found), Numbering(items), encoder.name)
        return quoted.model_copy(update={"dropped": reply.dropped})
    return extract(question, chosen, Numbering(items), encoder.name)


def _found(collection: Collection, question: str, k: int, runtime: Runtime) -> Sequence[Passage]:
    """The sentences of the posts that search finds, best post first."""
    ids = list(dict.fromkeys(hit.item for hit in search(collection, question, k=k, runtime=runtime)))
    segments = [segment for segment in collection.segments(ids) if segment.text] if ids else []
    return passages(sorted(segments, key=lambda segment: (ids.index(segment.item), segment.part, segment.id)))
