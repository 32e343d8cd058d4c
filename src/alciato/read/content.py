"""`PartContent`: one part of an item on its way through the readers; decoded once, for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from PIL import Image as Pictures

from alciato.errors import BadMedia
from alciato.item import Finding, Image, Media, Part, Table, Text, Video
from alciato.media.audio import Samples, sound
from alciato.media.frames import KeyFrame, key_frames
from alciato.media.pictures import decode_picture
from alciato.settings import Limits


class View(NamedTuple):
    """A picture to look at: the still picture itself, or a key frame with its times in seconds."""

    picture: Pictures.Image
    second: float | None = None
    start: float | None = None
    end: float | None = None


class PartContent:
    """A part, its bytes, and what has been found in it so far, by kind of reading."""

    def __init__(self, part: Part, fetch: Callable[[str], bytes], limits: Limits) -> None:
        self.part = part
        self.limits = limits
        self.found: dict[str, tuple[Finding, ...]] = {}
        self._fetch = fetch

    @cached_property
    def data(self) -> bytes:
        """Bytes of the medium. Raises `BadMedia`: `missing`, or not a medium at all."""
        if not isinstance(self.part, Media):
            raise BadMedia("no-medium", f"a {self.part.type} has no bytes.")
        return self._fetch(self.part.media)

    @cached_property
    def views(self) -> list[View]:
        """The picture, or the key frames of a clip; none for other parts. Raises `BadMedia`."""
        if isinstance(self.part, Image):
            return [View(decode_picture(self.data, self.limits))]
        return [View(frame.picture, frame.second, frame.start, frame.end) for frame in self.key_frames]

    @cached_property
    def key_frames(self) -> list[KeyFrame]:
        """One frame for each shot of a clip. Raises `BadMedia`."""
        if not isinstance(self.part, Video):
            return []
        return list(key_frames(self.data, self.part.mime, self.limits))

    def sound(self) -> Iterator[Samples]:
        """Yield the sound in chunks, mono, 16 kHz. Raises `BadMedia`."""
        return sound(self.data, self.limits)

    @property
    def text(self) -> str:
        """The words that came as text: a body, or the cells of a table."""
        if isinstance(self.part, Text):
            return self.part.text
        return table_text(self.part) if isinstance(self.part, Table) else ""


def table_text(table: Table) -> str:
    """A table as words: each row with its column names, so that a row can be found and read alone."""
    rows = (
        ", ".join(f"{column}: {cell}" for column, cell in zip(table.columns, row, strict=True) if cell is not None)
        for row in table.rows
    )
    title = [table.name] if table.name else []
    return "\n".join([*title, *rows])
