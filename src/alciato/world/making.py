"""Lazy sequences of posts: `make("macro", n=1000, seed=7)` composes each post when it is indexed.

Post 12 of a seed is the same whether it is drawn alone, in order, or by another process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from pydantic import ValidationError

from alciato.errors import UsageError
from alciato.world.cues import injected
from alciato.world.draw import FOLDS, SPLITS, Draw, Split
from alciato.world.packages import in_processes
from alciato.world.post import Composition, WorldPost
from alciato.world.registry import KINDS, Kind, Options

CHUNK = 64
"""Sets of posts that one process draws at a time."""


def make(
    kind: str,
    n: int,
    *,
    seed: int = 0,
    split: Split | None = None,
    disjoint: bool = True,
    fold: int = 0,
    workers: int = 1,
    **options: Any,
) -> Posts:
    """Give `n` posts of a kind as a sequence; each is drawn when it is asked for, and is the same every time.

    Args:
        kind: name of the kind; see `KINDS`.
        n: how many.
        seed: chooses the posts.
        split: train, validation or test: their posts differ, and their concepts (objects, grounds, groups, phrases)
            do not overlap. None: posts of all concepts.
        disjoint: False lets every split have all concepts, so that only the posts differ.
        fold: 0 to 4: which concepts are held out for test. Over the five folds every concept is held out once.
        workers: processes that draw while the sequence is iterated; the posts are the same with any number.
        options: what the kind can choose, such as `size`; see its `options`.

    Raises:
        UsageError: an unknown kind, split or option, or a value that an option does not take.
    """
    chosen = KINDS.get(kind)
    if n < 0 or workers < 1:
        raise UsageError(f"n={n}, workers={workers}.", remedy="n is 0 or more, workers is 1 or more.")
    if split is not None and split not in SPLITS:
        raise UsageError(f"no split is named {split!r}.", remedy=f"Known: {', '.join(SPLITS)}.")
    if fold not in range(FOLDS):
        raise UsageError(f"there is no fold {fold}.", remedy=f"Folds are 0 to {FOLDS - 1}.")
    return Posts(chosen, n, seed, split, disjoint, checked(chosen, options), workers, fold)


def checked(kind: Kind, options: dict[str, Any]) -> Options:
    """Check options against what the kind takes. Raises `UsageError` naming the option."""
    try:
        return kind.options(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(place) for place in first["loc"])
        known = ", ".join(kind.options.model_fields)
        raise UsageError(f"option {name!r} of {kind.name}: {first['msg']}.", remedy=f"Known: {known}.") from error


@dataclass(frozen=True)
class Posts(Sequence[WorldPost]):
    """The posts of one kind and seed. Indexing draws one; iterating draws all, in `workers` processes."""

    kind: Kind
    n: int
    seed: int
    split: Split | None
    disjoint: bool
    options: Options
    workers: int = 1
    fold: int = 0

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, number: int) -> WorldPost: ...
    @overload
    def __getitem__(self, number: slice) -> list[WorldPost]: ...
    def __getitem__(self, number: int | slice) -> WorldPost | list[WorldPost]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(self.n))]
        if not -self.n <= number < self.n:
            message = f"post {number} of {self.n}"
            raise IndexError(message)
        whole, member = divmod(number % self.n, self.kind.members)
        return self._set(whole)[member]

    def __iter__(self) -> Iterator[WorldPost]:
        sets = -(-self.n // self.kind.members)
        chunks = [(start, min(start + CHUNK, sets)) for start in range(0, sets, CHUNK)]
        if self.workers == 1 or len(chunks) == 1:
            drawn: Iterator[list[WorldPost]] = map(self.chunk, chunks)
            yield from self._flat(drawn)
            return
        yield from self._flat(in_processes(self.chunk, chunks, min(self.workers, len(chunks))))

    def chunk(self, sets: tuple[int, int]) -> list[WorldPost]:
        """Draw the sets from the first number up to the second, which is left out."""
        return [post for whole in range(*sets) for post in self._set(whole)]

    def _flat(self, chunks: Iterator[list[WorldPost]]) -> Iterator[WorldPost]:
        left = self.n
        for posts in chunks:
            yield from posts[:left]
            left -= len(posts)

    def _set(self, whole: int) -> list[WorldPost]:
        """Draw one set: the stream's name is the kind's, the seed, the split and the number of the set.

        The members of a set stand in a random order, unless their order has a meaning: otherwise the number of a
        post would tell its label.
        """
        name = (self.kind.stream or self.kind.name, self.seed, self.split, whole)
        draw = Draw.named(*name, split=self.split if self.disjoint else None, fold=self.fold)
        made = self.kind.compose(draw, self.options)
        places = list(range(len(made)))
        if not self.kind.ordered:
            places = Draw.named("order", *name).some(places, len(places))
        first = whole * self.kind.members
        numbers = {member: first + place for place, member in enumerate(places)}
        return [self._post(numbers, member, made[member]) for member in places]

    def _post(self, numbers: Mapping[int, int], member: int, made: Composition) -> WorldPost:
        """Give the post of a member of a set; `numbers` are those of the set's posts, by member."""
        number = numbers[member]
        post = WorldPost(
            id=self._id(number),
            kind=self.kind.name,
            split=self.split,
            content=made.content,
            truth=made.truth,
            label=made.label,
            metadata=made.metadata,
            reply_to=None if made.reply_to is None else self._id(numbers[made.reply_to]),
        )
        if self.options.cue is None:
            return post
        chance = Draw.named("cue", self.kind.name, self.seed, self.split, number)
        content, cue = injected(chance, self.options.cue, post.label, post.content)
        return replace(post, content=content, cue=cue)

    def _id(self, number: int) -> str:
        split = f"-{self.split}" if self.split else ""
        fold = f"-fold{self.fold}" if self.fold else ""
        return f"{self.kind.name}-{self.seed}{split}{fold}-{number:06d}"
