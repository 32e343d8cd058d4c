# ruff: noqa: ARG002, RUF012 -- doubles keep the signature of the protocol
"""Small encoders without weights, a runtime that gives them, and collections that they have encoded."""

from __future__ import annotations

import io
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from alciato.item import Item, Post, Reading, Text
from alciato.models import Embeddings, Encoder, ModelInfo, Runtime
from alciato.search.terms import terms_of
from alciato.settings import load_settings
from alciato.store import Collection

SYNONYMS = {"kitten": "cat", "automobile": "car", "katze": "cat", "voiture": "car", "physician": "doctor"}


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


@cache
def direction(word: str) -> np.ndarray:
    """The random direction of a word."""
    return unit(np.random.default_rng(zlib.crc32(word.encode())).normal(size=48))


class WordEncoder:
    """Sum of a random vector for each word, the same for synonyms, around a mean that all texts share."""

    name, fingerprint, dimension, modalities = "fake:words", "fake-words-1", 48, frozenset({"text"})

    def encode(self, inputs, *, role="document", instruction=None):
        rows = [self._sum(text) + (2.0 if role == "query" else 3.0) * direction("shared by all") for text in inputs]
        return Embeddings(unit(np.array(rows).reshape(len(inputs), self.dimension)))

    def _sum(self, text):
        words = [SYNONYMS.get(word, word) for word in terms_of(text)]
        return sum(map(direction, words), np.zeros(self.dimension)) / max(1, len(words)) ** 0.5


class ColourEncoder:
    """Pictures by their mean colour, and the names of colours: one space for both."""

    name, fingerprint, dimension, modalities = "fake:colours", "fake-colours-1", 3, frozenset({"text", "image"})
    names = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}

    def encode(self, inputs, *, role="document", instruction=None):
        return Embeddings(unit(np.array([self._colour(one) for one in inputs], dtype=np.float64).reshape(-1, 3)))

    def _colour(self, one):
        if isinstance(one, str):
            return sum((np.array(rgb) for name, rgb in self.names.items() if name in one), np.array([90.0, 90.0, 90.0]))
        return np.asarray(one.convert("RGB")).reshape(-1, 3).mean(0) + 1


class Projected:
    """A random projection of another encoder: other cosines, another mean, fewer dimensions."""

    def __init__(self, encoder, seed, dimension=64):
        self._encoder, self.dimension = encoder, dimension
        self.name, self.fingerprint = f"fake:projection-{seed}", f"projection-{seed}-{encoder.fingerprint}"
        self.modalities = frozenset({"text"})
        self._matrix = np.random.default_rng(seed).normal(size=(encoder.dimension, dimension))

    def encode(self, inputs, *, role="document", instruction=None):
        return Embeddings(unit(self._encoder.encode(inputs, role=role).dense @ self._matrix))


class FakeRuntime(Runtime):
    """A runtime whose models are given."""

    def __init__(self, cache: Path, *models, image_encoder=None):
        names = {"encoder": models[0].name, "ocr": None}
        if image_encoder is not None:
            names["image_encoder"] = image_encoder.name
        super().__init__(load_settings(cache=cache, models=names))
        self._given = {model.name: model for model in (*models, *([image_encoder] if image_encoder else []))}

    def load(self, name, kind):
        return self._given[name] if name in self._given else super().load(name, kind)

    def describe(self, name, kind, *, fetch=True):
        if name not in self._given:
            return super().describe(name, kind, fetch=fetch)
        return ModelInfo(name, kind.__name__, self._given[name].fingerprint)


def text_post(name: str, text: str, **metadata: str) -> Post:
    return Post(Item(id=name, parts=(Text(text=text),), metadata={"source": f"/posts/{name}.txt", **metadata}))


def encode(collection: Collection, encoder: Encoder) -> None:
    """Give every segment with words its vector, as reading does."""
    segments = [segment for segment in collection.segments() if segment.text]
    vectors = encoder.encode([segment.text for segment in segments]).dense
    readings = [
        Reading(item=segment.item, part=segment.part, kind="encode", model=encoder.name, version=encoder.fingerprint)
        for segment in segments
    ]
    by_segment = {segment.id: vector for segment, vector in zip(segments, vectors, strict=True)}
    collection.save_readings(readings, segments, [(encoder, by_segment)])


def collection_of(folder: Path, texts: dict[str, str], *encoders: Encoder) -> Collection:
    """A collection of texts by id that some encoders have encoded."""
    collection = Collection.open(folder)
    collection.add([text_post(name, text) for name, text in texts.items()])
    for encoder in encoders:
        encode(collection, encoder)
    return collection


def plain(colour, size=(64, 48)) -> Pictures.Image:
    """A picture of one colour."""
    return Pictures.new("RGB", size, colour)


def png(picture: Pictures.Image) -> bytes:
    """The picture as a PNG file."""
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()
