"""Words to rankings: the routes of words followed at once, and cut where nothing answers.

A segment answers where `likeness + SHARED * share` reaches `CUT` (see `chance`), or where it holds `WORDED` of the
query's weighty words. A post whose segments all stay below is left out, so a query that nothing answers gives nothing.
Without vectors, as before a collection is read, half of the weighty words must be there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np

from alciato.models import Encoder, Runtime
from alciato.search.chance import CUT, CUT_OF_A_WORD, SHARED, space_for
from alciato.search.routes import Floats, Match, Ranking, Scope, by_looks, by_meaning, by_parts, by_words, vectors_of
from alciato.search.words import shared, weighed, words_of

WORDED, WORDED_ALONE = 0.75, 0.5
"""Share of a query's weighty words that makes a segment an answer: whatever its vector says; where it has none."""
TELLING = 0.34
"""Share of the weighty words from which BM25's ranking counts: a word or two in common mislead."""
PARTS = 3
"""Words that no text holds are looked for inside others; at most so many, the rarest."""


def answers(scope: Scope, words: str, runtime: Runtime) -> list[Ranking]:
    """Rank the segments that answer, by words, parts of words, meaning and, with an image encoder, looks."""
    encoder = usable(scope, runtime.settings.models.encoder, runtime)
    rankings = _followed(scope, words, encoder, runtime)
    image_encoder = usable(scope, runtime.settings.models.image_encoder, runtime)
    if image_encoder is not None and "text" in image_encoder.modalities:
        rankings.append(seen(scope, image_encoder, words))
    return rankings


def telling(worded: Ranking, words: str) -> Ranking:
    """Leave out what holds few of the weighty words: `the` and `in` stand everywhere."""
    weights = weighed(words)
    return replace(worded, matches=tuple(m for m in worded.matches if shared(weights, m.row["text"] or "") >= TELLING))


def usable(scope: Scope, name: str | None, runtime: Runtime) -> Encoder | None:
    """Load the encoder if it is named and the collection has embeddings by it."""
    if name is None or not scope.collection.encoders_named(name):
        return None
    encoder = runtime.load(name, Encoder)
    return None if scope.collection.embeddings(encoder.fingerprint) is None else encoder


def seen(scope: Scope, encoder: Encoder, query: object) -> Ranking:
    """Rank by looks, and keep what stands out from the rest by three standard deviations."""
    embeddings = scope.collection.embeddings(encoder.fingerprint)
    ranking = by_looks(scope, embeddings, encoder, query)  # type: ignore[arg-type]
    scores = np.array([match.score for match in ranking.matches], dtype=np.float64)
    if len(scores) < 10:
        return ranking
    rest = scores[len(scores) // 2 :]
    least = rest.mean() + 3 * rest.std()
    return replace(ranking, matches=tuple(match for match in ranking.matches if (match.score or 0) >= least))


def _followed(scope: Scope, words: str, encoder: Encoder | None, runtime: Runtime) -> list[Ranking]:
    if encoder is None:
        return _answering(words, _worded(scope, words), {})
    embeddings = scope.collection.embeddings(encoder.fingerprint)
    waiting = _threads().submit(_worded, scope, words)
    query = encoder.encode([words], role="query").dense[0]  # (dimension,)
    meant = by_meaning(scope, embeddings, query)
    rankings = [*waiting.result(), meant]
    likeness = _likenesses(rankings, query, scope, encoder, runtime)
    order = sorted(meant.matches, key=lambda match: (-likeness[match.row["id"]], match.row["id"]))
    rankings[-1] = replace(meant, matches=tuple(order))
    return _answering(words, rankings, likeness)


def _worded(scope: Scope, words: str) -> list[Ranking]:
    """Rank by words and, where that says too little, by parts of words."""
    found = by_words(scope, words)
    return [telling(found, words), *_parts(scope, words, found)]


def _parts(scope: Scope, words: str, worded: Ranking) -> list[Ranking]:
    """Look for the words that no text holds inside other words.

    Where BM25 gave all that was asked for, a word may stand further down: then only the rarest is in question,
    and one short query tells whether it stands anywhere.
    """
    held = {word for match in worded.matches for word in words_of(match.row["text"] or "")}
    missing = [
        word for _, word in sorted((-weight, word) for word, weight in weighed(words).items()) if word not in held
    ]
    if missing and len(worded.matches) >= scope.depth:
        one = replace(scope, depth=1)
        missing = [word for word in missing[:1] if not by_words(one, word).matches]
    return [by_parts(scope, missing[:PARTS])] if missing else []


def _likenesses(
    rankings: Sequence[Ranking], query: Floats, scope: Scope, encoder: Encoder, runtime: Runtime
) -> dict[str, float]:
    """Likeness to the query by segment id, of the segments that have a vector."""
    embeddings = scope.collection.embeddings(encoder.fingerprint)
    matches = [match for ranking in rankings for match in ranking.matches]
    rows = {match.row["id"]: match.row["vector"] for match in matches if "vector" in match.row}
    rows |= vectors_of(embeddings, {match.row["id"] for match in matches} - set(rows))
    if not rows:
        return {}
    space = space_for(scope.collection.uri, embeddings, encoder, runtime)
    values = space.likeness(query, np.array(list(rows.values()), dtype=np.float32))
    return dict(zip(rows, values.tolist(), strict=True))


def _answering(words: str, rankings: Sequence[Ranking], likeness: Mapping[str, float]) -> list[Ranking]:
    """Keep the posts of which one segment answers."""
    weights = weighed(words)
    cut = CUT if len(words.split()) > 1 else CUT_OF_A_WORD
    items: set[str] = set()
    for ranking in rankings:
        for match in ranking.matches:
            if match.row["item"] not in items and _answers(match, weights, likeness.get(match.row["id"]), cut):
                items.add(match.row["item"])
    return [replace(r, matches=tuple(m for m in r.matches if m.row["item"] in items)) for r in rankings]


def _answers(match: Match, weights: Mapping[str, float], likeness: float | None, cut: float) -> bool:
    if likeness is not None and likeness >= cut:
        return True
    share = shared(weights, match.row["text"] or "")
    if match.word is not None:
        share = max(share, weights[match.word] / sum(weights.values()))
    if likeness is None:
        return share >= WORDED_ALONE
    return share >= WORDED or likeness + SHARED * share >= cut


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, "search")
