"""Hybrid search: runs the retrievers, drops what is below the relevance threshold, fuses the lists, gives reasons.

`Query` → facets (text, each image, the text read on an image, each item) → retrievers → threshold → fusion →
reranker → `Hit`. Which retrievers, which fusion and which reranker is `SearchOptions`, a part of the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from alciato.errors import BadMedia, UsageError, unknown_name
from alciato.item import Image, Item, Video
from alciato.models import Ocr, Picture, Runtime, default_runtime
from alciato.read.content import Content, fetching
from alciato.registry import NoOptions, Registry, parse_options
from alciato.search.calibration import MIN_TERM_SHARE, Calibration, calibration_for, evidence
from alciato.search.filters import checked_filter
from alciato.search.fusion import FUSIONS, RankingGroup, reciprocal_rank_fusion
from alciato.search.hit import Hit, Reason, span_of
from alciato.search.reranker import RERANKERS, Candidate
from alciato.search.retrieval import RETRIEVERS, Query, RankedList, RetrievedSegment, SearchContext
from alciato.search.terms import term_weights, weighted_overlap
from alciato.settings import SearchOptions as SearchOptions  # noqa: PLC0414 - `alciato.search` gives it
from alciato.store import Collection

ITEM_PICTURES = 4
"""Pictures, and key frames of clips, of a post that are followed, where posts like it are looked for."""
ITEM_LETTERS = 600
"""Letters of a post's words that are followed."""
COPY_WEIGHT = 2.0
"""Weight of near copies of a picture beside its words and similar pictures, which are less reliable."""


@dataclass
class Facet:
    """One thing that a query asks for, and the ranked lists found for it. `relevance` is by item."""

    name: str
    query: Query
    retrievers: tuple[str, ...]
    weight: float = 1.0
    lists: list[RankedList] = field(default_factory=list)
    relevance: dict[str, float] = field(default_factory=dict)


def search(
    collection: Collection,
    query: str | Query | None = None,
    *,
    image: str | Path | Picture | None = None,
    where: str | None = None,
    k: int = 10,
    options: SearchOptions | None = None,
    runtime: Runtime | None = None,
) -> list[Hit]:
    """Find posts by words, by a picture, or by both; best first, none where nothing answers.

    Args:
        collection: where to look.
        query: what one remembers, in any language; or a `Query`, which can hold several pictures, posts to find
            others like, and texts that hits must not be nearer to.
        image: a picture, or its path: near copies of it, posts with the words on it, and, where an image encoder
            is named, pictures that look like it.
        where: a condition such as `created_at > '2024-05-01' and author = 'zork'`.
        k: posts at most.
        options: which retrievers, fusion and reranker; those of the settings (`search`) if None.
        runtime: settings and loaded models; that of this process if None.

    Raises:
        UsageError: nothing to search for, a filter that cannot be followed, a picture that cannot be read, an
            unknown item, an encoder of the settings that no model is.

    Where the collection lacks vectors by a named encoder, a warning says so, with the command that makes them.
    """
    runtime = runtime or default_runtime()
    options = options or runtime.settings.search
    asked = query if isinstance(query, Query) else Query(query or "")
    asked = replace(asked, text=asked.text.strip(), filter=where if asked.filter is None else asked.filter)
    if image is not None:
        asked = replace(asked, images=(*asked.images, opened(image, runtime)))
    if not (asked.text or asked.images or asked.items):
        raise UsageError("nothing to search for.", remedy="Give words, a picture, or both.")
    if k < 1:
        raise UsageError(f"k is {k}, but at least one hit must be asked for.")
    context = SearchContext(collection, runtime, checked_filter(asked.filter), max(options.depth, 2 * k))
    _check_options(options)
    facets = list(_facets(asked, context, options))
    for facet in facets:
        facet.lists = _retrieved(facet, context, options, leave_out=frozenset(asked.items))
        _apply_threshold(facet, context, options)
    return _hits(asked, facets, options, k)


def similar(collection: Collection, item: str, k: int = 10, *, runtime: Runtime | None = None) -> list[Hit]:
    """Find the posts that are most like one of the collection, best first, without itself.

    Raises `UsageError` if there is no such item.
    """
    return search(collection, Query(items=(item,)), k=k, runtime=runtime)


# Facets


def _facets(query: Query, context: SearchContext, options: SearchOptions) -> Iterator[Facet]:
    """Split a query into what it asks for, each with the retrievers that can follow it."""
    if query.text:
        yield from _text_facet("text", replace(query, images=(), items=()), options)
    for picture in query.images:
        yield from _image_facets("image", query, picture, options)
        words = read_words(picture, context.runtime)
        if words:
            yield from _text_facet("text in the image", replace(query, text=words, images=(), items=()), options)
    for item in (context.collection.item(id_) for id_ in query.items):
        for picture in _pictures(item, context):
            yield from _image_facets("item", query, picture, options)
        words = _words_of(item.id, context)
        if words:
            yield from _text_facet("item", replace(query, text=words, images=(), items=()), options)


def _text_facet(name: str, query: Query, options: SearchOptions) -> Iterator[Facet]:
    names = tuple(one for one in options.retrievers if "text" in RETRIEVERS.get(one).inputs)
    if names:
        yield Facet(name, query, names)


def _image_facets(name: str, query: Query, picture: Picture, options: SearchOptions) -> Iterator[Facet]:
    one = replace(query, text="", images=(picture,), items=())
    for retriever in options.retrievers:
        if "image" in RETRIEVERS.get(retriever).inputs:
            yield Facet(name, one, (retriever,), COPY_WEIGHT if retriever == "near_copy" else 1.0)


def _pictures(item: Item, context: SearchContext) -> list[Picture]:
    """The first pictures and key frames of a post, decoded; what is damaged is passed over: reading reports it."""
    media = context.collection.media_many([part.media for _, part in item.media()])
    content = Content(item, fetch=fetching(media), limits=context.runtime.settings.limits)
    pictures: list[Picture] = []
    for number, part in item.media():
        room = ITEM_PICTURES - len(pictures)
        if room and isinstance(part, Image | Video):
            with suppress(BadMedia):
                views = [content.picture(number)] if isinstance(part, Image) else content.clip(number, room)
                pictures += [view.picture for view in views]
    return pictures


def _words_of(item: str, context: SearchContext) -> str:
    texts = (segment.text for segment in context.collection.segments([item]) if segment.text)
    return " ".join(dict.fromkeys(texts))[:ITEM_LETTERS].strip()


def read_words(picture: Picture, runtime: Runtime) -> str:
    """Read the words on a picture with the named text recognition; none where none is named."""
    if runtime.settings.models.ocr is None:
        return ""
    lines = runtime.load(runtime.settings.models.ocr, Ocr).recognise(picture)
    return " ".join(line.text for line in lines if line.text)


def opened(image: str | Path | Picture, runtime: Runtime) -> Picture:
    """Give the picture, decoded from its path where it is one. Raises `UsageError`."""
    if isinstance(image, Picture):
        return image.convert("RGB")
    from alciato.media.pictures import decode_picture

    path = Path(image).expanduser()
    try:
        return decode_picture(path.read_bytes(), runtime.settings.limits)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the picture cannot be opened ({reason}).", where=str(path)) from error
    except BadMedia as error:
        raise UsageError(error.what, where=str(path), remedy="Give a JPEG, PNG, WebP or GIF file.") from error


# Retrieval and threshold


def _check_options(options: SearchOptions) -> None:
    """Refuse options of a member that this search does not have."""
    named = [*options.retrievers, options.fusion, *filter(None, [options.reranker])]
    for name in options.options:
        if name not in named:
            raise unknown_name("retriever, fusion or reranker of this search", name, named)


def _made(registry: Registry[type[Any]], name: str, options: SearchOptions) -> Any:
    """Make a retriever, a fusion or a reranker with its options. Raises `UsageError` for options it does not take."""
    member = registry.get(name)
    kind: type[BaseModel] = getattr(member, "Options", NoOptions)
    given = parse_options(kind, options.options.get(name, {}), f"the {registry.kind} {name!r}")
    return member() if kind is NoOptions else member(given)


def _retrieved(
    facet: Facet, context: SearchContext, options: SearchOptions, leave_out: frozenset[str]
) -> list[RankedList]:
    """Run the retrievers of a facet at the same time: the last one in this thread, which is where models run."""
    retrievers = [_made(RETRIEVERS, name, options) for name in facet.retrievers]
    waiting = [_threads().submit(one.retrieve, facet.query, context) for one in retrievers[:-1]]
    last = retrievers[-1].retrieve(facet.query, context)
    return [_kept(found, lambda match: match.row["item"] not in leave_out) for found in
            [*(one.result() for one in waiting), last]]  # fmt: skip


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, "search")


def _kept(found: RankedList, keep: Callable[[RetrievedSegment], bool]) -> RankedList:
    return replace(found, matches=tuple(match for match in found.matches if keep(match)))


def _apply_threshold(facet: Facet, context: SearchContext, options: SearchOptions) -> None:
    """Of lists that have no threshold of their own, keep the posts of which one segment is relevant."""
    unsure = [found for found in facet.lists if not found.thresholded]
    if not any(found.matches for found in unsure):
        return
    encoder = context.text_encoder
    calibration = None if encoder is None else calibration_for(context, encoder)
    least = None if calibration is None else calibration.min_score(options.false_positive_rate)
    relevant: set[str] = set()
    for match, similarity, overlap in evidence(unsure, term_weights(facet.query.text)):
        if calibration is None or least is None or similarity is None:
            score, enough = overlap, overlap >= MIN_TERM_SHARE
        else:
            score = calibration.score(similarity, overlap)
            enough = score >= least
        item = match.row["item"]
        facet.relevance[item] = max(score, facet.relevance.get(item, score))
        if enough:
            relevant.add(item)
    relevant -= _nearer_to_unlike(facet, unsure, context, calibration)
    facet.lists = [
        found if found.thresholded else _kept(found, lambda match: match.row["item"] in relevant)
        for found in facet.lists
    ]


def _nearer_to_unlike(
    facet: Facet, lists: Sequence[RankedList], context: SearchContext, calibration: Calibration | None
) -> set[str]:
    """Posts of which a segment is more relevant to a text of `unlike` than any is to the query."""
    encoder = context.text_encoder
    nearer: set[str] = set()
    for text in facet.query.unlike:
        weights = term_weights(text)
        vector = None if encoder is None else context.query_vector(encoder, replace(facet.query, text=text))
        for match in (match for found in lists for match in found.matches):
            score = weighted_overlap(weights, match.row["text"] or "")
            if calibration is not None and vector is not None and match.vector is not None:
                similarity = calibration.isotropy.similarity(vector, match.vector[None])[0]
                score = calibration.score(float(similarity), score)
            if score > facet.relevance[match.row["item"]]:
                nearer.add(match.row["item"])
    return nearer


# Hits


def _hits(query: Query, facets: Sequence[Facet], options: SearchOptions, k: int) -> list[Hit]:
    """Fuse the lists of all facets, rerank, and give the reasons of each hit."""
    groups = [RankingGroup([_items(found) for found in facet.lists if found.matches], facet.weight) for facet in facets]
    scores: Mapping[str, float] = _made(FUSIONS, options.fusion, options).fuse(
        [group for group in groups if group.rankings]
    )
    best = _best_segments([found for facet in facets for found in facet.lists])
    relevance: dict[str, float] = {}
    for facet in facets:
        for item, score in facet.relevance.items():
            relevance[item] = max(score, relevance.get(item, score))
    candidates = [Candidate(item, score, best[item], relevance.get(item)) for item, score in scores.items()]
    if options.reranker is not None:
        candidates = _made(RERANKERS, options.reranker, options).rerank(query, candidates)
    candidates = candidates[:k]
    reasons = _reasons(facets, {one.item for one in candidates})
    return [
        Hit(
            item=one.item,
            score=round(one.score, 6),
            span=span_of(one.match.row),
            source=one.match.row["source"],
            why=tuple(reasons[one.item]),
        )
        for one in candidates
    ]


def _items(found: RankedList) -> list[str]:
    return list(dict.fromkeys(match.row["item"] for match in found.matches))


def _best_segments(lists: Sequence[RankedList]) -> dict[str, RetrievedSegment]:
    """The segment of each post that all lists together put first."""
    found = {match.row["id"]: match for one in reversed(lists) for match in reversed(one.matches)}
    best: dict[str, RetrievedSegment] = {}
    for segment in reciprocal_rank_fusion([match.row["id"] for match in one.matches] for one in lists):
        best.setdefault(found[segment].row["item"], found[segment])
    return best


def _reasons(facets: Sequence[Facet], items: set[str]) -> dict[str, list[Reason]]:
    """For each post one reason a ranked list: its rank among the posts, and its best segment there."""
    reasons: dict[str, list[Reason]] = {item: [] for item in items}
    for facet in facets:
        for found in facet.lists:
            first: dict[str, RetrievedSegment] = {}
            for match in found.matches:
                first.setdefault(match.row["item"], match)
            for rank, (item, match) in enumerate(first.items(), 1):
                if item in items:
                    reasons[item].append(_reason(found.retriever, facet.name, rank, match))
    return reasons


def _reason(retriever: str, facet: str, rank: int, match: RetrievedSegment) -> Reason:
    score = None if match.score is None else round(match.score, 6)
    return Reason(
        retriever=retriever, facet=facet, rank=rank, score=score, distance=match.distance, span=span_of(match.row)
    )
