"""A batch of items through all readers: read each part once, build the segments, encode their words together.

One reader that fails on one part leaves a reading with its reason, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alciato.errors import BadMedia
from alciato.item import Finding, Item, Reading, Segment
from alciato.models import Encoder, Runtime
from alciato.read.content import Content, PartContent, View
from alciato.read.plan import Provenance
from alciato.read.readers import ChosenReaders, DeferredModel, Reader
from alciato.read.segments import Readings, segments_made_by, segments_of
from alciato.store.embeddings import EncoderInfo, canonical_name

SEGMENTS_REVISION = "segments4"
Vectors = dict[str, NDArray[np.float32]]
ALL_TYPES = frozenset({"text", "image", "audio", "video", "table"})


@dataclass(frozen=True)
class Job:
    """An item, how to get the bytes of its media, what to read (part, kind), and what has been read before.

    `segments` are those that the collection has of the item: they are encoded where they are not made anew.
    """

    item: Item
    fetch: Callable[[str], bytes]
    work: Collection[tuple[int, str]]
    known: Readings
    segments: Sequence[Segment] = ()


class EncodedBy(NamedTuple):
    """What stands beside vectors: the encoder that made them."""

    name: str
    fingerprint: str
    dimension: int


@dataclass
class BatchResult:
    """New readings of items, the segments that they make, and vectors by encoder and segment id.

    `replaced` gives for an item the kinds of segment that were made anew: stored ones of these kinds go.
    """

    readings: list[Reading] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    replaced: dict[str, list[str]] = field(default_factory=dict)
    embeddings: dict[EncodedBy, Vectors] = field(default_factory=dict)

    def add_vector(self, encoder: EncoderInfo, segment: str, vector: NDArray[np.float32]) -> None:
        """Keep the vector of a segment."""
        made_by = EncodedBy(encoder.name, encoder.fingerprint, encoder.dimension)
        self.embeddings.setdefault(made_by, {})[segment] = vector


def together(found: Sequence[BatchResult]) -> BatchResult:
    """Join what was read of several items."""
    whole = BatchResult()
    for one in found:
        whole.readings += one.readings
        whole.segments += one.segments
        whole.replaced |= one.replaced
        for made_by, vectors in one.embeddings.items():
            whole.embeddings.setdefault(made_by, {}).update(vectors)
    return whole


class BatchReader:
    """The readers and encoders that the settings name, for any number of batches."""

    def __init__(self, runtime: Runtime, types: Iterable[str], kinds: Iterable[str] | None = None) -> None:
        self.runtime = runtime
        self._chosen = ChosenReaders(runtime, types, kinds)
        self.readers = self._chosen.readers
        self._kinds = self._chosen.kinds

    @cached_property
    def encoder(self) -> Encoder:
        """What makes the vectors of words."""
        return self._chosen.encoder

    @cached_property
    def image_encoder(self) -> Encoder | None:
        """What makes the vectors of pictures, if one is named."""
        return self._chosen.image_encoder

    def models(self, kinds: Iterable[str]) -> list[DeferredModel]:
        """The models that work of these kinds needs."""
        return self._chosen.behind(kinds)

    def load(self, kinds: Iterable[str]) -> BatchReader:
        """Load the models that work of these kinds needs: what is wrong with one is raised here, once."""
        for model in self.models(kinds):
            model.load()
        return self

    def wanted(self) -> list[Provenance]:
        """What every part shall have been read with."""
        wanted = [Provenance(reader.kind, reader.model, reader.version, reader.parts) for reader in self.readers]
        encoding = self._encoders(self._kinds)
        if encoding or "segment" in self._kinds:
            wanted.append(Provenance("segment", "alciato", SEGMENTS_REVISION, ALL_TYPES, once=True))
        return wanted + encoding

    def _encoders(self, kinds: Collection[str]) -> list[Provenance]:
        """One for each encoder: what another one has encoded stays."""
        encoders: list[tuple[str, Encoder | None]] = []
        if "encode" in kinds:
            encoders.append(("encode", self.encoder))
        if "encode_images" in kinds:
            encoders.append(("encode_images", self.image_encoder))
        return [
            Provenance(kind, canonical_name(encoder.name), encoder.fingerprint, ALL_TYPES, once=True)
            for kind, encoder in encoders
            if encoder is not None
        ]

    def read(self, jobs: Sequence[Job]) -> list[BatchResult]:
        """Read a batch; the results are in the order of the jobs."""
        done = [self._read_item(job) for job in jobs]
        self._encode(found for found, _ in done)
        for job, (found, views) in zip(jobs, done, strict=True):
            self._encode_pictures(found, views)
            kinds = {kind for _, kind in job.work}
            found.readings += [_reading(job.item.id, 0, made_by) for made_by in self._encoders(kinds)]
        return [found for found, _ in done]

    def content(self, item: Item, fetch: Callable[[str], bytes], known: Iterable[Reading] = ()) -> Content:
        """Read what is not known of an item, and give all that is then known of it; nothing is encoded."""
        readings = {(one.part, one.kind): one for one in known}
        places = {(n, one.kind) for one in self.readers for n, part in enumerate(item.parts) if part.type in one.parts}
        job = Job(item, fetch, places - set(readings), {place: one.findings for place, one in readings.items()})
        fresh, findings, _ = self._read_parts(job)
        readings |= {(one.part, one.kind): one for one in fresh}
        limits = self.runtime.settings.limits
        return Content(item, tuple(segments_of(item, findings)), tuple(readings.values()), fetch, limits)

    def _read_item(self, job: Job) -> tuple[BatchResult, dict[str, View]]:
        readings, findings, views = self._read_parts(job)
        found = BatchResult(readings)
        changed = segments_made_by(kind for _, kind in job.work)
        found.replaced = {job.item.id: sorted(changed)} if changed else {}
        found.segments = segments_of(job.item, findings, changed)
        found.segments += [one for one in job.segments if one.kind not in changed and _to_encode(one, job.work)]
        if (0, "segment") in job.work:
            found.readings.append(
                _reading(job.item.id, 0, Provenance("segment", "alciato", SEGMENTS_REVISION, ALL_TYPES))
            )
        return found, views

    def _read_parts(self, job: Job) -> tuple[list[Reading], Readings, dict[str, View]]:
        """Give the new readings of an item, all findings that are then known, and the pictures to encode."""
        readings: list[Reading] = []
        findings: dict[tuple[int, str], Sequence[Finding]] = dict(job.known)
        views: dict[str, View] = {}
        for number, part in enumerate(job.item.parts):
            content = PartContent(part, job.fetch, self.runtime.settings.limits)
            content.found = {kind: tuple(some) for (place, kind), some in findings.items() if place == number}
            for reader in self.readers:
                if any((number, kind) in job.work for kind in (reader.kind, *reader.after)):
                    reading = read_part(reader, content, job.item.id, number)
                    findings[number, reader.kind] = content.found[reader.kind] = reading.findings
                    readings.append(reading)
            views |= self._views(content, job, number)
        return readings, findings, views

    def _views(self, content: PartContent, job: Job, number: int) -> dict[str, View]:
        """Pictures to encode, by segment id; none without an image encoder, so that nothing is decoded in vain."""
        if self.image_encoder is None or content.part.type not in ("image", "video"):
            return {}
        kind = "picture" if content.part.type == "image" else "frame"
        if not ({(0, "encode_images"), (0, "segment"), (number, "pdq")} & set(job.work)):
            return {}
        try:
            views = content.views
        except BadMedia:  # the readers have said so already
            return {}
        return {f"{job.item.id}/{number}/{kind}/{place}": view for place, view in enumerate(views)}

    def _encode(self, found: Iterable[BatchResult]) -> None:
        places = [(one, segment) for one in found for segment in one.segments if segment.text]
        if places:
            vectors = self.encoder.encode([segment.text for _, segment in places]).dense
            for (into, segment), vector in zip(places, vectors, strict=True):
                into.add_vector(self.encoder, segment.id, vector)

    def _encode_pictures(self, found: BatchResult, views: Mapping[str, View]) -> None:
        ids = [segment.id for segment in found.segments if segment.id in views]
        if ids and self.image_encoder is not None:
            vectors = self.image_encoder.encode([views[id_].picture for id_ in ids]).dense
            for id_, vector in zip(ids, vectors, strict=True):
                found.add_vector(self.image_encoder, id_, vector)


def read_part(reader: Reader, content: PartContent, item: str, part: int) -> Reading:
    """Read one part by one reader. Whatever it raises becomes the reading's error: untrusted media raise anything."""
    made_by = Provenance(reader.kind, reader.model, reader.version, reader.parts)
    try:
        return _reading(item, part, made_by, reader.read(content))
    except BadMedia as error:
        return _reading(item, part, made_by, error=f"{error.reason}: {error}")
    except Exception as error:  # noqa: BLE001 - one reader on one item must never end the run; the reason is kept
        return _reading(item, part, made_by, error=f"{type(error).__name__}: {error}")


def _reading(
    item: str, part: int, made_by: Provenance, findings: Iterable[Finding] = (), error: str | None = None
) -> Reading:
    return Reading(
        item=item,
        part=part,
        kind=made_by.kind,
        model=made_by.model,
        version=made_by.version,
        findings=tuple(findings),
        error=error,
        read_at=datetime.now(UTC),
    )


def failed_reading(item: str, part: int, made_by: Provenance, error: str) -> Reading:
    """A reading that says why there is none."""
    return _reading(item, part, made_by, error=error)


def _to_encode(segment: Segment, work: Collection[tuple[int, str]]) -> bool:
    """Tell whether the work is to encode a segment that stays as it is."""
    kind = "encode_images" if segment.kind in ("picture", "frame") else "encode"
    return (0, kind) in work
