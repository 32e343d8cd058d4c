"""Contents of training examples: the same reading, with the same models, as that of the posts that are judged later.

Examples of a collection are taken as they were read there; what has not been read, and posts of a folder or of memory,
are read now. Nothing is saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from alciato.item import Reading
from alciato.learn.examples import TrainingExample, is_collection
from alciato.models import Runtime
from alciato.read.batch import BatchReader
from alciato.read.content import Content
from alciato.store import Collection


@dataclass
class ExampleContents:
    """Gives the contents of examples.

    Args:
        runtime: the models that read.
        kinds: kinds of readings that are needed, such as `ocr`.
        source: collection that the examples came from, if they did; else a folder, or nothing.
    """

    runtime: Runtime
    kinds: Sequence[str]
    source: str = ""

    def __call__(self, examples: Sequence[TrainingExample]) -> list[Content]:
        """Return the contents of some examples, in their order."""
        known = self._stored(examples)
        return [self._reader.content(one.item, one.media, known.get(one.id, ())) for one in examples]

    def _stored(self, examples: Sequence[TrainingExample]) -> Mapping[str, list[Reading]]:
        """Readings of the examples in their collection, those that failed included."""
        found: dict[str, list[Reading]] = {}
        if self._collection is not None:
            for reading in self._collection.readings([example.id for example in examples], list(self.kinds)):
                found.setdefault(reading.item, []).append(reading)
        return found

    @cached_property
    def _collection(self) -> Collection | None:
        return Collection.open(self.source, create=False) if is_collection(self.source) else None

    @cached_property
    def _reader(self) -> BatchReader:
        return BatchReader(self.runtime, {"image", "video"}, self.kinds).load(self.kinds)
