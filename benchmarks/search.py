"""Search on 100,000 segments: our hybrid query against LanceDB's own queries, fused, in one run.

    LANCE_LOG=error python benchmarks/search.py [--segments 100000] [--queries 1000]    # no warnings of Lance

The segments are sentences of words under Zipf's law with vectors in clusters, as text encoders make them; ours
also applies a relevance threshold, joins them to posts and gives reasons. LanceDB's is its hybrid query with its RRF
reranker, 10 rows with id, item and text, over one table that holds the same words and vectors under the same kinds of
index. Both get the query's words and its vector: encoding is left out of both, and printed apart. Queries alternate, so
that neither has the warmer cache.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, IvfFlat
from lancedb.rerankers import RRFReranker
from wordfreq import top_n_list

from alciato.models import Embeddings, Encoder, Runtime
from alciato.search import search
from alciato.settings import load_settings
from alciato.store import Collection
from alciato.store.tables import SEGMENTS

VOCABULARY, CLUSTERS = 20_000, 400


class Remembering:
    """The packaged encoder, with the vectors of the queries made beforehand."""

    def __init__(self, encoder: Encoder, vectors: dict[str, np.ndarray]) -> None:
        self._encoder, self._vectors = encoder, vectors
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.dimension, self.modalities = encoder.dimension, encoder.modalities

    def encode(self, inputs: Any, *, role: str = "document", instruction: str | None = None) -> Embeddings:
        """Give the vectors that were made, or make them."""
        if all(text in self._vectors for text in inputs):
            return Embeddings(np.stack([self._vectors[text] for text in inputs]))
        return self._encoder.encode(inputs, role=role, instruction=instruction)  # type: ignore[arg-type]


def sentences(count: int, generator: np.random.Generator) -> list[str]:
    """Sentences of 4 to 20 words under Zipf's law."""
    vocabulary = np.array(top_n_list("en", VOCABULARY))
    shares = 1 / np.arange(1, len(vocabulary) + 1)
    lengths = generator.integers(4, 21, count)
    drawn = vocabulary[generator.choice(len(vocabulary), int(lengths.sum()), p=shares / shares.sum())]
    ends = np.cumsum(lengths)
    return [" ".join(drawn[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


def segment_rows(texts: list[str]) -> pa.Table:
    """Rows of the segments table, two segments a post."""
    number = range(len(texts))
    filled = {
        "id": [f"{i // 2:08d}/0/body/{i % 2}" for i in number],
        "item": [f"{i // 2:08d}" for i in number],
        "part": pa.array([0] * len(texts), pa.int32()),
        "kind": ["body"] * len(texts),
        "text": texts,
        "words": texts,
        "grams": ["".join(text.split()) for text in texts],
        "source": [f"/posts/{i // 2:08d}.txt" for i in number],
    }
    columns = [filled.get(field.name, pa.nulls(len(texts), field.type)) for field in SEGMENTS]
    return pa.Table.from_arrays([pa.array(c) if isinstance(c, list) else c for c in columns], names=SEGMENTS.names)


def build(collection: Collection, count: int, encoder: Encoder, generator: np.random.Generator) -> list[str]:
    """Fill the segments table: real vectors of some sentences, and others around them."""
    texts = sentences(count, generator)
    real = encoder.encode(texts[:CLUSTERS]).dense  # (clusters, dimension)
    noise = generator.normal(size=(count, real.shape[1])).astype(np.float32)
    vectors = real[generator.integers(0, len(real), count)] + 0.012 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = segment_rows(texts)
    collection.table("segments").add(rows)
    embeddings = collection.start_embeddings(encoder)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=embeddings.schema.field("vector").type)
    shown = [name for name in embeddings.schema.names if name != "vector"]
    embeddings.add(rows.select(shown).append_column(embeddings.schema.field("vector"), column))
    collection.maintain(force=True)
    return texts


def timed(call: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


class RememberingRuntime(Runtime):
    """A runtime whose encoder has the vectors of the queries already."""

    def __init__(self, settings: Any, encoder: Any) -> None:
        super().__init__(settings)
        self._remembering = encoder

    def load(self, name: str, kind: Any) -> Any:
        """Give the encoder that remembers."""
        return self._remembering if kind is Encoder else super().load(name, kind)


def hybrid_table(collection: Collection, encoder: Encoder, folder: str) -> Any:
    """One table of LanceDB with words and vectors together, as its hybrid query wants them."""
    rows = collection.embeddings(encoder.fingerprint).to_arrow().select(["id", "item", "text", "vector"])
    table = lancedb.connect(folder).create_table("hybrid", rows)
    table.create_index("vector", config=IvfFlat(distance_type="cosine"))
    plain: dict[str, Any] = {"stem": False, "remove_stop_words": False, "lower_case": True, "ascii_folding": True}
    table.create_index("text", config=FTS(base_tokenizer="icu", with_position=True, **plain))
    return table


def fused(table: Any, words: str, vector: np.ndarray) -> Any:
    """LanceDB's own hybrid query, fused by reciprocal rank."""
    query = table.search(query_type="hybrid", vector_column_name="vector", fts_columns="text").vector(vector)
    query = query.text(words).distance_type("cosine").select(["id", "item", "text"])
    return query.rerank(RRFReranker()).limit(10).to_arrow()


def measure(segments: int, queries: int) -> dict[str, float]:
    """Build, warm up, and time both kinds of query in turn."""
    generator = np.random.default_rng(7)
    settings = load_settings()
    encoder = Runtime(settings).load(settings.models.encoder, Encoder)
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection.open(folder)
        texts = build(collection, segments, encoder, generator)
        asked = [
            " ".join(generator.permutation(texts[i].split())[:4]) for i in generator.integers(0, segments, queries)
        ]
        encoding = [timed(lambda text=text: encoder.encode([text], role="query")) for text in asked[:20]]
        vectors = dict(zip(asked, encoder.encode(asked, role="query").dense, strict=True))
        runtime = RememberingRuntime(settings, Remembering(encoder, vectors))
        table = hybrid_table(collection, encoder, str(Path(folder, "lancedb")))
        both = (
            lambda words: search(collection, words, k=10, runtime=runtime),
            lambda words: fused(table, words, vectors[words]),
        )
        runs = [[timed(lambda call=call, words=words: call(words)) for call in both] for words in asked[:10] + asked]
    return figures(segments, np.array(runs[10:]), encoding)


def figures(segments: int, times: np.ndarray, encoding: list[float]) -> dict[str, float]:
    """Median and 95th percentile of ours and theirs, and their ratios; times (queries, 2) in milliseconds."""
    median, late = np.median(times, 0), np.percentile(times, 95, 0)
    named = {
        "ours_median_ms": median[0],
        "lancedb_median_ms": median[1],
        "ratio_median": median[0] / median[1],
        "ours_p95_ms": late[0],
        "lancedb_p95_ms": late[1],
        "ratio_p95": late[0] / late[1],
        "encoding_median_ms": np.median(encoding),
    }
    return {
        "segments": segments,
        "queries": len(times),
        **{name: round(float(value), 3) for name, value in named.items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    given = parser.parse_args()
    print(json.dumps(measure(given.segments, given.queries), indent=2))
