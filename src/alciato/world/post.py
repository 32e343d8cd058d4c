"""Composed post: its parts, its complete truth, and its item and media bytes, which are encoded when first used.

Pictures are encoded as PNG only on demand, so that training reads `post.picture()` at no cost.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from pydantic import BaseModel, ConfigDict, JsonValue

from alciato.item import Audio, Box, Image, Item, Link, Media, Part, Post, Table, Text, Video, media_hash
from alciato.world.draw import Split


class Truth(BaseModel):
    """All that is known of a post. Every kind has its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Word(NamedTuple):
    """A word that stands in a picture, and its box in pixels."""

    text: str
    box: Box


class Line(NamedTuple):
    """A line of words in a picture: its box, its words, and where it belongs (top, bottom, sign, label …)."""

    text: str
    box: Box
    words: tuple[Word, ...]
    role: str


class Shown(NamedTuple):
    """An object in a picture: what it is, its colour (None: its own), its box in pixels."""

    name: str
    character: str
    colour: str | None
    box: Box


class Recording(NamedTuple):
    """Sound: samples (n,) in -1..1, and their rate in Hz."""

    samples: NDArray[np.float32]
    rate: int


class Clip(NamedTuple):
    """Frames at a rate a second, all of one size, with sound or without."""

    frames: tuple[Pictures.Image, ...]
    rate: int
    sound: Recording | None = None


Content = Text | Table | Pictures.Image | Recording | Clip
"""What a part is before its bytes are made."""


@dataclass(frozen=True)
class Composition:
    """What a kind gives: the parts in order, the truth, and what goes into the item's metadata."""

    content: tuple[Content, ...]
    truth: Truth
    label: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    reply_to: int | None = None
    """Position in its set of the post that it answers."""


@dataclass(frozen=True)
class WorldPost:
    """One composed post. `cue` tells whether the injected cue stands in it (None: there is none to inject)."""

    id: str
    kind: str
    split: Split | None
    content: tuple[Content, ...]
    truth: Truth
    label: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    reply_to: str | None = None
    cue: bool | None = None

    @cached_property
    def _encoded(self) -> tuple[tuple[Part, bytes | None], ...]:
        return tuple(_encode(content, f"{self.id}-{place}") for place, content in enumerate(self.content))

    @cached_property
    def item(self) -> Item:
        """The post as an item; its label, kind and split are in the metadata, its truth is not."""
        about: dict[str, Any] = {"kind": self.kind, "label": self.label, "split": self.split}
        about = {name: value for name, value in about.items() if value is not None}
        links = (Link(kind="reply_to", target=self.reply_to),) if self.reply_to else ()
        parts = tuple(part for part, _ in self._encoded)
        return Item(id=self.id, parts=parts, metadata={**self.metadata, **about}, links=links)

    @cached_property
    def media(self) -> dict[str, bytes]:
        """The bytes of the media, by their SHA-256."""
        return {part.media: data for part, data in self._encoded if data is not None and isinstance(part, Media)}

    @property
    def post(self) -> Post:
        """Item and media, as a collection takes them."""
        return Post(self.item, self.media)

    def pictures(self) -> tuple[Pictures.Image, ...]:
        """The still pictures, in order, as they were drawn."""
        return tuple(content for content in self.content if isinstance(content, Pictures.Image))

    def picture(self, number: int = 0) -> Pictures.Image:
        """One of the still pictures. Raises `IndexError` where there are not so many."""
        return self.pictures()[number]

    @property
    def words(self) -> str:
        """All text parts, a line each. Words inside pictures are in the truth."""
        return "\n".join(content.text for content in self.content if isinstance(content, Text))


def _encode(content: Content, name: str) -> tuple[Part, bytes | None]:
    if isinstance(content, Text | Table):
        return content, None
    if isinstance(content, Pictures.Image):
        data = png_bytes(content)
        named = f"{name}.png"
        image = Image(media=media_hash(data), mime="image/png", name=named, width=content.width, height=content.height)
        return image, data
    if isinstance(content, Recording):
        from alciato.sources.datasets import wav_bytes

        data = wav_bytes(content.samples, content.rate)
        seconds = len(content.samples) / content.rate
        return Audio(media=media_hash(data), mime="audio/wav", name=f"{name}.wav", duration=seconds), data
    return _encode_clip(content, f"{name}.mp4")


def _encode_clip(clip: Clip, name: str) -> tuple[Video, bytes]:
    from alciato.world.film import mp4_bytes

    data = mp4_bytes(clip)
    width, height = clip.frames[0].size
    seconds = len(clip.frames) / clip.rate
    part = Video(media=media_hash(data), mime="video/mp4", name=name, width=width, height=height, duration=seconds)
    return part, data


def png_bytes(picture: Pictures.Image) -> bytes:
    """Encode a picture as PNG, fast rather than small."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
