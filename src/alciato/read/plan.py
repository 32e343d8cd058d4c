"""Plan: which parts of which items each reader still has to read, by columns, without a look at any item.

What there is to do (part x reader), minus what has been done by that very model and version (the provenance of
the collection's readings): an anti-join in Arrow. So a better model reads again only what it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PROVENANCE = ["item", "part", "kind", "model", "version"]


class Provenance(NamedTuple):
    """What a reading carries to say what made it, and the types of part that are read so."""

    kind: str
    model: str
    version: str
    parts: frozenset[str]
    once: bool = False  # one reading for the whole item, at its first part


def left_to_read(
    parts: pa.Table, provenance: pa.Table, wanted: Sequence[Provenance], *, retry: bool = False
) -> pa.Table:
    """Give what is to be read: columns item, work (list of `PART/KIND`), a row an item, in the order of adding.

    Args:
        parts: columns id, parts (types of the parts of each item).
        provenance: columns item, part, kind, model, version, error of the readings that there are.
        wanted: what every part shall have been read with.
        retry: read again what failed by the same model.
    """
    places = exploded(parts)
    everything = pa.concat_tables([_to_read(places, one) for one in wanted] or [_to_read(places, _NOTHING)])
    done = provenance.filter(pc.is_null(provenance["error"])) if retry else provenance
    done = done.select(PROVENANCE).cast(pa.schema([everything.schema.field(name) for name in PROVENANCE]))
    left = everything.join(done, keys=PROVENANCE, join_type="left anti").sort_by(
        [("row", "ascending"), ("part", "ascending")]
    )
    work = pc.binary_join_element_wise(left["part"].cast(pa.string()), left["kind"], "/")
    table = pa.table({"row": left["row"], "item": left["item"], "work": work})
    grouped = table.group_by(["row", "item"], use_threads=False).aggregate([("work", "list")])
    return pa.table({"item": grouped["item"], "work": grouped["work_list"]})


def exploded(parts: pa.Table) -> pa.Table:
    """One row a part: columns row (position of the item), item, part (position in it), type."""
    types = parts["parts"].combine_chunks()
    if isinstance(types, pa.ChunkedArray):  # no rows, no chunks
        types = pa.array([], pa.list_(pa.string()))
    rows = pc.list_parent_indices(types).cast(pa.int64())
    lengths = pc.fill_null(pc.list_value_length(types), 0).to_numpy(zero_copy_only=False)
    first = np.cumsum(lengths) - lengths
    place = np.arange(len(rows)) - first[rows.to_numpy(zero_copy_only=False)]
    return pa.table(
        {
            "row": rows,
            "item": pc.take(parts["id"], rows),
            "part": pa.array(place, pa.int32()),
            "type": pc.list_flatten(types),
        }
    )


_NOTHING = Provenance("", "", "", frozenset())


def _to_read(places: pa.Table, one: Provenance) -> pa.Table:
    fits = pc.is_in(places["type"], value_set=pa.array(sorted(one.parts), pa.string()))
    if one.once:
        fits = pc.equal(places["part"], 0)
    chosen = places.filter(fits).select(["row", "item", "part"])
    for name in ("kind", "model", "version"):
        chosen = chosen.append_column(name, pa.array([getattr(one, name)] * chosen.num_rows, pa.string()))
    return chosen
