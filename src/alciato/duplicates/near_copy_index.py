"""`NearCopyIndex`: the near copies of a collection, kept from call to call; an added picture looks up its own buckets.

Three tables: the keys of every sketch with the picture's number, in which the buckets are looked up; a row for each
picture that was compared, with its lists of partners (see `candidates`); and the pairs that were found.
What an added picture costs: its keys are looked up, the partners that these and its PDQ hash give are verified, and
so are the few pictures that take it into their own lists. Of the other pictures only numbers, PDQ hashes and the
floors of their lists are read, some 200 bytes each; features are loaded of candidates only, and no media.

The result is that of comparing all at once. A pair is a near copy by nothing but its two pictures, and stands in a
list by its measures, which never change. Lists only lose pictures as others come, so every pair that stands in one now
stood in it when the later of the two was added, and was verified then; a pair that was pushed out of both lists
is kept, but not given. When a picture is removed, or its words are read anew, those that had it in a list are
compared again. A table that is lost is made again, with the others: none of them holds what cannot be derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alciato.duplicates.candidates import (
    NUMBER_BITS,
    PARTNERS,
    AlikePairs,
    Pictures,
    Postings,
    alike_pairs,
    best,
    floors,
    in_a_list,
    merits,
    partners,
    postings,
    sketch,
)
from alciato.duplicates.features import ImageFeatures, StoredPictures, numbered_features
from alciato.duplicates.near_copies import NearCopy, verify
from alciato.store import Collection

Integers = NDArray[np.int64]

REVISION = 2
"""Raised whenever a pair could be a candidate that was none, or be told otherwise."""
KEYS, COMPARED, PAIRS = "near_copy_keys", "near_copy_pictures", "near_copies"
_LISTS = ("by_keys", "by_hash", "highest")
_FLOORS = ("floor_by_keys", "floor_by_hash", "floor_highest")
_NUMBERS = pa.list_(pa.int64())
SCHEMAS = {
    KEYS: pa.schema([pa.field("key", pa.int64(), nullable=False), pa.field("picture", pa.int64(), nullable=False)]),
    COMPARED: pa.schema(
        [
            pa.field("picture", pa.int64(), nullable=False),
            pa.field("version", pa.int64(), nullable=False),
            *(pa.field(name, pa.int64()) for name in _FLOORS),
            *(pa.field(name, _NUMBERS) for name in _LISTS),  # merits, the highest first
        ]
    ),
    PAIRS: pa.schema(
        [
            pa.field("left", pa.int64(), nullable=False),  # the lesser number
            pa.field("right", pa.int64(), nullable=False),
            pa.field("shared", pa.int16(), nullable=False),
            pa.field("distance", pa.int16(), nullable=False),
            pa.field("relation", pa.string()),  # null where they were compared for a cluster and are no near copies
        ]
    ),
}
BLOCK = 64
"""Pictures that are compared before their pairs are saved."""
FEW = 16
"""Pictures up to which only their own buckets are read, not the table of keys."""
_AT_ONCE = 500


class Compared(NamedTuple):
    """A pair that was verified: its measures, and how the pictures relate, if they do."""

    shared: int
    distance: int
    copy: NearCopy | None


class NearCopyIndex:
    """The near copies among the pictures of a collection; pictures are named by their positions in `seen`."""

    def __init__(self, collection: Collection, seen: StoredPictures) -> None:
        self._collection, self._seen = collection, seen
        self._pictures = Pictures(seen.numbers, seen.codes, seen.bits)
        self._versions = seen.versions ^ REVISION
        self._order = np.argsort(seen.numbers)
        self._floors = np.zeros((3, len(seen)), dtype=np.int64)
        self._start_tables()
        self._pairs = self._load_pairs()
        lacking, has_keys = self._forget()
        for start in range(0, len(lacking), BLOCK):
            self._compare_block(lacking[start : start + BLOCK], has_keys)

    def near_copies(self) -> dict[tuple[int, int], NearCopy]:
        """The pairs i < j of positions that are near copies and stand in a list."""
        found = [(pair, each) for pair, each in self._pairs.items() if each.copy is not None]
        places = self._positions(np.array([pair for pair, _ in found], dtype=np.int64).reshape(-1, 2))
        shared = np.array([each.shared for _, each in found], dtype=np.int64)
        distances = np.array([each.distance for _, each in found], dtype=np.int64)
        left, right = np.maximum(places, 0).T
        numbers = self._seen.numbers
        listed = np.zeros(len(found), dtype=bool)
        if found:
            listed = in_a_list(merits(shared, distances, numbers[right]), self._floors[:, left])
            listed |= in_a_list(merits(shared, distances, numbers[left]), self._floors[:, right])
        listed &= (places >= 0).all(1)
        pairs = zip(places[listed].tolist(), np.flatnonzero(listed).tolist(), strict=True)
        return {(min(pair), max(pair)): copy for pair, place in pairs if (copy := found[place][1].copy) is not None}

    def compare(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], NearCopy | None]:
        """Tell of some pairs of positions whether they are near copies; what was not compared is, and is kept."""
        named = {pair: self._key(*pair) for pair in pairs}
        lacking = sorted({key for key in named.values() if key not in self._pairs})
        for start in range(0, len(lacking), _AT_ONCE):
            part = lacking[start : start + _AT_ONCE]
            features = self._features({number for key in part for number in key}, {})
            self._verify(part, features, keep_all=True)
        return {pair: self._pairs[key].copy for pair, key in named.items()}

    # What is stored

    def _start_tables(self) -> None:
        """Start anew where a table is missing, or has other columns: the three belong together."""
        tables = {name: self._collection.derived(name) for name in SCHEMAS}
        there = {name for name, table in tables.items() if table is not None}
        if all(table is not None and table.schema.names == SCHEMAS[name].names for name, table in tables.items()):
            return
        for name in there:
            self._collection.drop_table(name)
        for name, schema in SCHEMAS.items():
            self._collection.save_derived(name, schema.empty_table())

    def _load_pairs(self) -> dict[tuple[int, int], Compared]:
        rows = self._collection.table(PAIRS).search().limit(None).to_arrow()
        columns = (rows[name].to_pylist() for name in SCHEMAS[PAIRS].names)
        return {
            (left, right): Compared(shared, distance, None if relation is None else NearCopy(relation, distance))
            for left, right, shared, distance, relation in zip(*columns, strict=True)
        }

    def _forget(self) -> tuple[Integers, set[int]]:
        """Drop what is gone or was read anew, and give the positions that are to be compared.

        Second come the numbers of those among them whose keys are kept: what is gone was their partner. The rows of
        the compared go last, at once, so that a kill before it leaves all of this to be done again.
        """
        columns = ["picture", "version", *_FLOORS]
        rows = self._collection.table(COMPARED).search().select(columns).limit(None).to_arrow()
        numbers = rows["picture"].to_numpy()
        places = self._positions(numbers)
        there = places >= 0
        there[there] = rows["version"].to_numpy()[there] == self._versions[places[there]]
        gone = set(numbers[~there].tolist())
        affected = self._partners_of(gone) if gone else set()
        for part in _parts(gone):
            self._collection.delete_derived(PAIRS, f"left in ({part}) or right in ({part})")
            self._collection.delete_derived(KEYS, f"picture in ({part})")
        for part in _parts(gone | affected, len(gone | affected)):
            self._collection.delete_derived(COMPARED, f"picture in ({part})")
        self._pairs = {pair: each for pair, each in self._pairs.items() if gone.isdisjoint(pair)}
        kept = there & ~np.isin(numbers, list(affected))
        self._known = np.zeros(len(self._seen), dtype=bool)
        self._known[places[kept]] = True
        self._floors[:, places[kept]] = np.stack([rows[name].to_numpy()[kept] for name in _FLOORS])
        return np.flatnonzero(~self._known), affected

    def _partners_of(self, gone: set[int]) -> set[int]:
        """Numbers of the pictures that have one of those that are gone in a list."""
        rows = self._collection.table(COMPARED).search().select(["picture", *_LISTS]).limit(None).to_arrow()
        found: set[int] = set()
        numbers = rows["picture"].to_numpy()
        mask = np.int64((1 << NUMBER_BITS) - 1)
        for name in _LISTS:
            lists = rows[name].combine_chunks()
            hit = np.isin(pc.list_flatten(lists).to_numpy() & mask, list(gone))
            found |= set(numbers[pc.list_parent_indices(lists).to_numpy()[hit]].tolist())
        return found - gone

    # Comparison

    def _compare_block(self, block: Integers, has_keys: set[int]) -> None:
        """Compare some pictures with all that were compared before, and with each other."""
        numbers = self._seen.numbers
        features = self._features(numbers[block].tolist(), {})
        block = block[[number in features for number in numbers[block].tolist()]]
        sketches = [sketch(features[number].features.descriptors) for number in numbers[block].tolist()]
        self._add_keys(block, sketches, has_keys)
        ready = self._known.copy()
        ready[block] = True
        pairs = alike_pairs(block, sketches, self._pictures, self._buckets(sketches))
        pairs = pairs.where(ready[pairs.columns])
        lists, chosen = partners(pairs, numbers)
        lists = {place: lists.get(place, [np.zeros(0, np.int64)] * 3) for place in block.tolist()}
        older, taken = self._entered(pairs.where(self._known[pairs.columns]))
        own = pairs.where(chosen)
        candidates = AlikePairs(*(np.concatenate(columns) for columns in zip(own, taken, strict=True)))
        measures = {
            self._key(row, column): (shared, distance)
            for row, column, shared, distance in zip(*(column.tolist() for column in candidates), strict=True)
        }
        wanted = sorted(key for key in measures if key not in self._pairs)
        features = self._features({number for key in wanted for number in key}, features)
        self._verify(wanted, features, measures)
        self._save_lists(lists | older)
        self._known[block] = True

    def _entered(self, pairs: AlikePairs) -> tuple[dict[int, list[Integers]], AlikePairs]:
        """New lists of the older pictures, the columns, that take a new one, the row, into a list; and these pairs."""
        numbers = self._seen.numbers
        from_column = merits(pairs.shared, pairs.distances, numbers[pairs.rows])  # (3, m)
        entering = in_a_list(from_column, self._floors[:, pairs.columns])
        pairs, from_column = pairs.where(entering), from_column[:, entering]
        lists: dict[int, list[Integers]] = {}
        order = np.argsort(pairs.columns, kind="stable")
        places, starts, counts = np.unique(pairs.columns[order], return_index=True, return_counts=True)
        stored = self._stored_lists(places)
        for place, start, count in zip(places.tolist(), starts, counts, strict=True):
            here = from_column[:, order[start : start + count]]
            joined = [np.concatenate(both) for both in zip(stored[place], here, strict=True)]
            lists[place] = [best(each, most) for each, most in zip(joined, PARTNERS, strict=True)]
        floors_ = np.zeros((3, len(self._seen)), dtype=np.int64)
        for place, each in lists.items():
            floors_[:, place] = floors(each)
        return lists, pairs.where(in_a_list(from_column, floors_[:, pairs.columns]))

    def _verify(
        self,
        wanted: Sequence[tuple[int, int]],
        features: Mapping[int, ImageFeatures],
        measures: Mapping[tuple[int, int], tuple[int, int]] | None = None,
        *,
        keep_all: bool = False,
    ) -> None:
        """Verify pairs of numbers and keep the near copies; with `keep_all` the others too."""
        found: dict[tuple[int, int], Compared] = {}
        for left, right in wanted:
            one, other = features[left], features[right]
            shared, distance = measures[left, right] if measures else _measures(one, other)
            copy = verify(one, other)
            if copy is not None or keep_all:
                found[left, right] = Compared(shared, distance, copy)
        self._pairs |= found
        if found:
            rows = [
                (left, right, each.shared, each.distance, each.copy and each.copy.relation)
                for (left, right), each in found.items()
            ]
            self._save(PAIRS, zip(*rows, strict=True))

    # Rows

    def _add_keys(self, block: Integers, sketches: Sequence[Integers], has_keys: set[int]) -> None:
        numbers = self._seen.numbers[block].tolist()
        lacking = [(number, keys) for number, keys in zip(numbers, sketches, strict=True) if number not in has_keys]
        keys = np.concatenate([np.zeros(0, np.int64), *(each for _, each in lacking)])
        owners = np.repeat([number for number, _ in lacking], [len(each) for _, each in lacking]).astype(np.int64)
        if len(keys):
            self._save(KEYS, [keys, owners])

    def _buckets(self, sketches: Sequence[Integers]) -> Postings:
        """The buckets of some keys; of many pictures the whole table is read, which is cheaper then."""
        query = self._collection.table(KEYS).search()
        if len(sketches) <= FEW:
            keys = np.unique(np.concatenate([np.zeros(0, np.int64), *sketches]))
            if not len(keys):
                return Postings(keys, keys)
            query = query.where(f"key in ({', '.join(map(str, keys.tolist()))})")
        rows = query.select(["key", "picture"]).limit(None).to_arrow()
        owners = self._positions(rows["picture"].to_numpy())
        return postings(rows["key"].to_numpy()[owners >= 0], owners[owners >= 0])

    def _stored_lists(self, places: Integers) -> dict[int, list[Integers]]:
        """The lists of some compared pictures, by their positions."""
        found: dict[int, list[Integers]] = {}
        for part in _parts(self._seen.numbers[places].tolist()):
            query = self._collection.table(COMPARED).search().where(f"picture in ({part})")
            rows = query.select(["picture", *_LISTS]).limit(None).to_arrow()
            positions = self._positions(rows["picture"].to_numpy()).tolist()
            for place, *lists in zip(positions, *(rows[name].to_pylist() for name in _LISTS), strict=True):
                found[place] = [np.array(each, dtype=np.int64) for each in lists]
        return found

    def _save_lists(self, lists: Mapping[int, list[Integers]]) -> None:
        """Replace the rows of some pictures, by position, by these lists."""
        places = np.array(list(lists), dtype=np.int64)
        if not len(places):
            return
        for place, each in lists.items():
            self._floors[:, place] = floors(each)
        numbers, versions = self._seen.numbers[places], self._versions[places]
        kept = [[each[row].tolist() for each in lists.values()] for row in range(3)]
        columns = [numbers, versions, *self._floors[:, places], *kept]
        self._save(COMPARED, columns, replaced=f"picture in ({', '.join(map(str, numbers.tolist()))})")

    def _save(self, name: str, columns: Iterable[Iterable[object]], replaced: str | None = None) -> None:
        schema = SCHEMAS[name]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        self._collection.save_derived(name, pa.Table.from_arrays(arrays, schema=schema), replaced)

    def _features(self, numbers: Iterable[int], known: Mapping[int, ImageFeatures]) -> dict[int, ImageFeatures]:
        return dict(known) | numbered_features(self._collection, set(numbers) - set(known))

    def _key(self, row: int, column: int) -> tuple[int, int]:
        """The numbers of a pair of positions, the lesser first."""
        one, other = int(self._seen.numbers[row]), int(self._seen.numbers[column])
        return min(one, other), max(one, other)

    def _positions(self, numbers: Integers) -> Integers:
        """Positions of pictures by their numbers; -1 for one that is not there."""
        if not len(self._seen):
            return np.full(numbers.shape, -1, dtype=np.int64)
        found = np.searchsorted(self._seen.numbers, numbers, sorter=self._order)
        places = self._order[np.minimum(found, len(self._seen) - 1)]
        return np.where(self._seen.numbers[places] == numbers, places, -1)


def _measures(left: ImageFeatures, right: ImageFeatures) -> tuple[int, int]:
    """Keys in common, and bits between the PDQ hashes."""
    one, other = (sketch(each.features.descriptors) for each in (left, right))
    return len(np.intersect1d(one, other)), int(np.bitwise_count(left.bits ^ right.bits).sum())


def _parts(numbers: Iterable[int], most: int = _AT_ONCE) -> Iterable[str]:
    """Numbers as SQL lists of at most `most`."""
    ordered = sorted(numbers)
    for start in range(0, len(ordered), max(1, most)):
        yield ", ".join(map(str, ordered[start : start + most]))
