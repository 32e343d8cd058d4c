"""`ask`: search, choose passages, answer with citations; or say that the collection does not hold it."""

from __future__ import annotations

from collections.abc import Sequence

from alciato.ask.citations import Passage, passages
from alciato.ask.extract import best_passages, extract, passages_to_show
from alciato.ask.reply import Reply
from alciato.ask.scoring import CANDIDATE_RATE, PassageScorer
from alciato.ask.write import PASSAGES, write
from alciato.errors import UsageError
from alciato.models import Chat, Encoder, Runtime, default_runtime
from alciato.read import contents_of
from alciato.search import Hit, search
from alciato.search.normalization import z_norm_of
from alciato.search.terms import term_weights, weighted_overlap
from alciato.store import Collection

EXTRACTIVE = "packaged:smollm2"
"""The packaged chat model is too small to write answers that hold: with it, answers are quotations."""
CANDIDATES = 160
"""Passages that are encoded for a question at most: that takes seconds, and a book has thousands."""


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
    options = runtime.settings.search.model_copy(update={"false_positive_rate": CANDIDATE_RATE})
    hits = search(collection, question, k=k, options=options, runtime=runtime)
    found = _candidates(question, passages(contents_of(collection, [hit.item for hit in hits])), hits)
    if not found:
        return extract(question, [], encoder.name)
    scorer = PassageScorer(question, encoder, z_norm_of(collection, encoder, runtime=runtime))
    scored, dropped = scorer.score([passage.text for passage in found]), 0
    if chat is not None or runtime.settings.models.chat != EXTRACTIVE:
        shown = passages_to_show(found, scored, PASSAGES)
        if shown:
            reply = write(scorer, shown, chat or runtime.load(runtime.settings.models.chat, Chat))
            if reply.found:
                return reply
            dropped = reply.dropped
    quoted = extract(question, best_passages(found, scored), encoder.name)
    return quoted.model_copy(update={"dropped": dropped})


def _candidates(question: str, found: Sequence[Passage], hits: Sequence[Hit]) -> Sequence[Passage]:
    """The passages to encode: all, or of many those in the segments that matched, then those that share most terms."""
    if len(found) <= CANDIDATES:
        return found
    spans = [(hit.item, span) for hit in hits for span in (hit.span, *(reason.span for reason in hit.why))]
    matched = {(item, " ".join(span.text.split())) for item, span in spans}
    weights = term_weights(question)

    def order(passage: Passage) -> tuple[bool, float]:
        items = {item.id for item, _ in passage.places}
        inside = any(item in items and passage.text in text for item, text in matched)
        return not inside, -weighted_overlap(weights, passage.text)

    return sorted(found, key=order)[:CANDIDATES]
