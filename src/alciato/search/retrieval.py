"""The types of a retrieval: `Query` → `Retriever.retrieve(query, context)` → `RankedList` of `RetrievedSegment`.

A retriever is a class with a `name`, typed `Options`, `inputs` (what of a query it uses) and `examples`. It is listed
in `RETRIEVERS`, offered by an entry point of the group `alciato.retrievers`, or added with `RETRIEVERS.register`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alciato.errors import AlciatoError, UsageError
from alciato.models import Encoder, Picture, Runtime
from alciato.models.protocols import Role
from alciato.registry import Registry
from alciato.search.filters import filter_error
from alciato.store import Collection, StoredEncoder

_logger = logging.getLogger(__name__)
Row = Mapping[str, Any]
Floats = NDArray[np.float32]
Input = Literal["text", "image"]
Result = TypeVar("Result")

DISPLAYED = ("id", "item", "part", "kind", "text", "box", "start", "end", "source")
"""Columns of a segment that a hit shows; an encoder's table of embeddings has them too."""


@dataclass(frozen=True)
class Query:
    """What is looked for. `items` are ids of posts to find others like; `unlike` are texts that hits are not like.

    A post that is more relevant to a text of `unlike` than to the query is left out.

    `instruction` says what the search is for, to encoders that take instructions. `filter` is a condition such as
    `created_at > '2024-05-01'`.
    """

    text: str = ""
    images: tuple[Picture, ...] = ()
    items: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    instruction: str | None = None
    filter: str | None = None


@dataclass(frozen=True, eq=False)
class RetrievedSegment:
    """A segment that matched: its row, and how well.

    `similarity` is that of its embedding to the query after isotropy correction, and `vector` the embedding
    (dimension,), where the retriever knows them; `term` is the query's term that was found as a part of another word.
    """

    row: Row
    score: float | None = None
    distance: int | None = None
    term: str | None = None
    similarity: float | None = None
    vector: Floats | None = None


@dataclass(frozen=True, eq=False)
class RankedList:
    """What one retriever found, best first.

    `thresholded` says that the retriever itself left out what does not answer; of other lists the pipeline keeps what
    reaches the relevance threshold.
    """

    retriever: str
    matches: tuple[RetrievedSegment, ...] = ()
    thresholded: bool = False


@dataclass(frozen=True)
class SearchContext:
    """Where a search takes place: the collection, the runtime, the checked filter, the depth of a ranked list.

    `memo` holds what several retrievers of one search need, such as the query's vector: see `once`.
    """

    collection: Collection
    runtime: Runtime
    filter: str | None = None
    depth: int = 30
    memo: dict[Any, Future[Any]] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def once(self, key: Any, compute: Callable[[], Result]) -> Result:
        """Compute a value once a search; a second thread that asks for it waits for the first."""
        with self._lock:
            future = self.memo.get(key)
            first = future is None
            if future is None:
                future = self.memo[key] = Future()
        if first:
            try:
                future.set_result(compute())
            except BaseException as error:
                future.set_exception(error)
                raise
        return cast("Result", future.result())

    def remember(self, key: Any, value: Any) -> None:
        """Give a value that `once` would compute."""
        future: Future[Any] = Future()
        future.set_result(value)
        self.memo[key] = future

    def query_vector(self, encoder: Encoder, query: Query) -> Floats:
        """Vector (dimension,) of the query's picture, or else of its text."""
        asked = query.images[0] if query.images else query.text
        return self.once(
            self.vector_key(encoder, query), lambda: encode(encoder, [asked], "query", query.instruction)[0]
        )

    @staticmethod
    def vector_key(encoder: Encoder, query: Query) -> Any:
        """Key under which `once` holds the vector of a query."""
        return ("vector", encoder.fingerprint, id(query.images[0]) if query.images else query.text, query.instruction)

    @property
    def segments(self) -> Any:
        """The table of segments."""
        return self.collection.table("segments")

    @property
    def text_encoder(self) -> Encoder | None:
        """The encoder that the settings name, where the collection has embeddings by it."""
        return self._encoder(self.runtime.settings.models.encoder)

    @property
    def image_encoder(self) -> Encoder | None:
        """The image encoder that the settings name, where the collection has embeddings by it."""
        return self._encoder(self.runtime.settings.models.image_encoder)

    def _encoder(self, name: str | None) -> Encoder | None:
        return None if name is None else self.once(("encoder", name), lambda: self._encoder_with_embeddings(name))

    def _encoder_with_embeddings(self, name: str) -> Encoder | None:
        stored = self.collection.encoders_named(name)
        encoder = self.runtime.load(name, Encoder) if stored else None
        if lack := self._lack_of_vectors(name, encoder, stored):
            _logger.warning("%s; posts are found without them.", lack)
        return encoder if any(encoder and one.fingerprint == encoder.fingerprint for one in stored) else None

    def _lack_of_vectors(self, name: str, encoder: Encoder | None, stored: Sequence[StoredEncoder]) -> str | None:
        """Say which vectors by an encoder the collection lacks. Raises `UsageError` for a name that no encoder has."""
        remedy = "`alciato read` with these settings makes them"
        if encoder is None:
            try:
                self.runtime.describe(name, Encoder, fetch=False)
            except UsageError:
                raise
            except AlciatoError as error:
                return f"the collection has no vectors by {name}, which cannot be used ({error})"
            return f"the collection has no vectors by {name}: {remedy}" if self.segments.count_rows() else None
        if len(stored) == 1 and stored[0].fingerprint == encoder.fingerprint:
            return None
        counts = {one.fingerprint: self.collection.table(one.table).count_rows() for one in stored}
        lacking = max(counts.values()) - counts.get(encoder.fingerprint, 0)
        return f"{lacking} vectors are of another version of {name}: {remedy} anew" if lacking > 0 else None

    def rows(self, query: Any, *further: str) -> list[dict[str, Any]]:
        """Run a query of the store within the filter and the depth; `further` are columns besides those displayed.

        A vector stays an array. Raises `UsageError` for a filter that the store cannot follow.
        """
        query = query.where(self.filter, prefilter=True) if self.filter else query
        try:
            found = query.select([*DISPLAYED, *further]).limit(self.depth).to_arrow()
        except (ValueError, RuntimeError) as error:
            if self.filter is None:
                raise
            raise filter_error(self.filter, error) from error
        return _rows(found)


def encode(encoder: Encoder, inputs: Sequence[str | Picture], role: Role, instruction: str | None = None) -> Floats:
    """Encode some inputs: their dense vectors (inputs, dimension)."""
    return np.asarray(encoder.encode(inputs, role=role, instruction=instruction).dense, dtype=np.float32)


def _rows(found: Any) -> list[dict[str, Any]]:
    """Rows as dictionaries; vectors stay arrays, since a list of its numbers costs more than the query."""
    if "vector" not in found.schema.names:
        return list(found.to_pylist())
    column = found["vector"].combine_chunks()
    vectors = np.asarray(column.flatten(), dtype=np.float32).reshape(len(column), column.type.list_size)
    rows = found.drop_columns(["vector"]).to_pylist()
    return [{**row, "vector": vector} for row, vector in zip(rows, vectors, strict=True)]


class RetrievalExample(NamedTuple):
    """Texts of a collection by post id, a query, and the id that stands first for it."""

    posts: Mapping[str, str]
    query: str
    first: str


@runtime_checkable
class Retriever(Protocol):
    """Ranks the segments of a collection for a query."""

    name: ClassVar[str]
    inputs: ClassVar[frozenset[Input]]
    examples: ClassVar[tuple[RetrievalExample, ...]]

    def retrieve(self, query: Query, context: SearchContext) -> RankedList:
        """Rank segments, best first, at most `context.depth`; none where this retriever cannot follow the query."""
        ...


RETRIEVERS: Registry[type[Any]] = Registry(
    "retriever",
    {
        "bm25": "alciato.search.retrievers:Bm25",
        "trigram": "alciato.search.retrievers:Trigram",
        "dense": "alciato.search.retrievers:Dense",
        "near_copy": "alciato.search.near_copy:NearCopyRetriever",
        "image": "alciato.search.retrievers:ImageDense",
    },
    group="alciato.retrievers",
)
"""Retrievers by name."""
