"""Labelled posts for training, from a collection, a folder or memory; labels from the metadata or a table.

Posts that cannot be used are counted by reason; data that make training meaningless are an error.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alciato.errors import AlciatoError, BadMedia, unknown_name
from alciato.item import Image, Item, Post, Text
from alciato.learn.labels import label_table, labels_of
from alciato.learn.targets import ClassLabel, Target
from alciato.models.protocols import Picture
from alciato.settings import Limits

IN_MEMORY = 2 * 2**30
"""Limit on the bytes of media of a folder; a collection may be larger."""

MediaSource = Callable[[str], bytes]
"""From the SHA-256 of a medium to its bytes."""


@dataclass(frozen=True)
class TrainingExample:
    """A post with its typed target."""

    item: Item
    target: Target
    media: MediaSource = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """Name of the class; the target is a `ClassLabel`."""
        return self._class_label.name

    @property
    def number(self) -> int:
        """Number of the class; the target is a `ClassLabel`."""
        return self._class_label.number

    @property
    def _class_label(self) -> ClassLabel:
        if not isinstance(self.target, ClassLabel):
            found = type(self.target).__name__
            raise AlciatoError(f"the post {self.id} has a target {found}, but a class label is needed.")
        return self.target

    @property
    def id(self) -> str:
        """Id of the item."""
        return self.item.id

    @property
    def text(self) -> str | None:
        """All text parts, one per line; None if there are none."""
        lines = [part.text for part in self.item.parts if isinstance(part, Text) and part.text.strip()]
        return "\n".join(lines) or None

    @property
    def image(self) -> Image | None:
        """The first picture part; None if there is none."""
        return next((part for part in self.item.parts if isinstance(part, Image)), None)

    def picture(self) -> Picture | None:
        """The first picture, decoded, upright, RGB; None if there is none. Raises `BadMedia`."""
        from alciato.media.pictures import decode_picture

        return decode_picture(self.media(self.image.media), Limits()) if self.image else None


@dataclass(frozen=True)
class Examples(Sequence[TrainingExample]):
    """Examples, their classes, and the number of posts left out by reason."""

    examples: tuple[TrainingExample, ...]
    classes: tuple[str, ...]
    skipped: Counter[str] = field(default_factory=Counter)
    source: str = ""

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, place: int) -> TrainingExample:  # type: ignore[override]
        return self.examples[place]

    def counts(self) -> dict[str, int]:
        """Number of examples of each class."""
        found = Counter(example.label for example in self.examples)
        return {name: found[name] for name in self.classes}


def load_examples(
    data: str | Path,
    *,
    labels: str | Path | None = None,
    classes: Sequence[str] | None = None,
    field: str = "label",
    check_pictures: bool = True,
) -> Examples:
    """Read labelled posts.

    Args:
        data: a collection (folder or `s3://` URI) or a folder or file that `alciato add` reads.
        labels: a table (CSV, TSV, JSONL, Parquet) with a column of ids or files and one of labels; None: the metadata.
        classes: all allowed classes, in order; None: those found, sorted.
        field: metadata field of the label.
        check_pictures: decode every picture once, and leave out posts whose picture cannot be decoded.

    Raises:
        AlciatoError: there are no posts, no labels, or only one class.
        UsageError: a label is not among `classes`.
    """
    posts = _Posts(data)
    gathered = _Gathered(list(posts), posts.media, posts.skipped, str(data))
    named = label_table(Path(labels)) if labels is not None else None
    return _labelled(gathered, named, classes, field, check_pictures=check_pictures)


def examples_of(posts: Iterable[Post], classes: Sequence[str] | None = None, field: str = "label") -> Examples:
    """Build examples from posts in memory, such as those of `alciato.world`."""
    media: dict[str, bytes] = {}
    items = []
    for post in posts:
        media.update(post.media)
        items.append(post.item)
    return _labelled(_Gathered(items, media.__getitem__), None, classes, field, check_pictures=False)


@dataclass(frozen=True)
class _Gathered:
    """Posts, their media, and the number of posts left out by reason."""

    items: Sequence[Item]
    media: MediaSource
    skipped: Counter[str] = field(default_factory=Counter)
    source: str = ""


def _labelled(
    gathered: _Gathered,
    named: dict[str, str] | None,
    classes: Sequence[str] | None,
    field: str,
    *,
    check_pictures: bool,
) -> Examples:
    """Assign labels to items and check the result; see `load_examples`."""
    items, skipped, where = gathered.items, gathered.skipped, gathered.source or None
    if not items:
        raise AlciatoError(f"there are no posts{_told(skipped)}.", where=where, remedy="Name a folder with posts.")
    found = labels_of(items, named, field, skipped)
    if not found:
        remedy = f"Give each post a {field!r}, or name a table with --labels."
        raise AlciatoError(f"none of the {len(items)} posts has a label{_told(skipped)}.", where=where, remedy=remedy)
    known = tuple(classes) if classes else tuple(sorted(set(found.values())))
    for label in found.values():
        if label not in known:
            raise unknown_name("class", label, list(known))
    targets = {id_: ClassLabel(label, known.index(label)) for id_, label in found.items()}
    examples = [TrainingExample(item, targets[item.id], gathered.media) for item in items if item.id in targets]
    if check_pictures:
        examples = [example for example in examples if _opens(example, skipped)]
    result = Examples(tuple(examples), known, skipped, gathered.source)
    _check_classes(result, where)
    return result


def _check_classes(examples: Examples, where: str | None) -> None:
    present = [name for name, count in examples.counts().items() if count]
    if len(present) < 2:
        what = f"only the class {present[0]!r} is" if present else "no class is"
        remedy = "Training needs posts of two classes at least."
        raise AlciatoError(f"{what} among the labelled posts{_told(examples.skipped)}.", where=where, remedy=remedy)


def _opens(example: TrainingExample, skipped: Counter[str]) -> bool:
    """Whether the picture can be decoded; counts it if not."""
    try:
        example.picture()
    except BadMedia as error:
        skipped[f"picture {error.reason}"] += 1
        return False
    return True


def _told(skipped: Counter[str]) -> str:
    return f" (skipped: {', '.join(f'{count} {reason}' for reason, count in skipped.items())})" if skipped else ""


def is_collection(data: str) -> bool:
    """Whether a name is that of a collection, not of a folder of files."""
    return "://" in data or (bool(data) and Path(data, "items.lance").exists())


class _Posts:
    """Items of a collection or folder; `skipped` counts the files that cannot be used."""

    def __init__(self, data: str | Path) -> None:
        self.data, self.skipped = str(data), Counter[str]()
        self._memory: dict[str, bytes] = {}
        self._collection = self._open()

    def _open(self) -> object | None:
        if is_collection(self.data):
            from alciato.store import Collection

            return Collection.open(self.data, create=False)
        if not Path(self.data).exists():
            raise AlciatoError("it is not there.", where=self.data, remedy="Name a folder or a collection.")
        return None

    def media(self, sha: str) -> bytes:
        """Bytes of a medium."""
        from alciato.store import Collection

        return self._collection.media(sha) if isinstance(self._collection, Collection) else self._memory[sha]

    def __iter__(self) -> Iterator[Item]:
        from alciato.store import Collection

        if isinstance(self._collection, Collection):
            yield from self._collection.items()
            return
        yield from self._scanned()

    def _scanned(self) -> Iterator[Item]:
        from alciato.sources import Skipped, scan

        size = 0
        for post in scan([os.fspath(self.data)]):
            if isinstance(post, Skipped):
                self.skipped[post.reason] += 1
                continue
            size += sum(len(data) for data in post.media.values())
            if size > IN_MEMORY:
                remedy = f"Add it to a collection first: alciato add {self.data} --collection DIR"
                raise AlciatoError(f"it holds more than {IN_MEMORY >> 30} GiB.", where=self.data, remedy=remedy)
            self._memory.update(post.media)
            yield post.item
