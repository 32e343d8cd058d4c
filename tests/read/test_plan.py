"""The plan: what there is to do less what has been done, equal to the same written as loops."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.read.plan import Provenance, left_to_read

WORDS = Provenance("ocr", "packaged:a", "1", frozenset({"image", "video"}))
HASH = Provenance("pdq", "pdq", "1", frozenset({"image"}))
SPEECH = Provenance("speech", "packaged:s", "2", frozenset({"audio", "video"}))
ENCODE = Provenance("encode", "packaged:e", "3", frozenset({"text"}), once=True)
WANTED = [WORDS, HASH, SPEECH, ENCODE]

kinds_of_part = st.sampled_from(["text", "image", "audio", "video", "table"])
items = st.lists(st.lists(kinds_of_part, max_size=4), max_size=8)
done = st.sets(
    st.tuples(st.integers(0, 7), st.integers(0, 3), st.sampled_from(WANTED), st.booleans(), st.booleans()), max_size=20
)


def tables(items, done):
    parts = pa.table(
        {"id": pa.array([f"i{n}" for n in range(len(items))], pa.string()),
         "parts": pa.array(items, pa.list_(pa.string()))}
    )  # fmt: skip
    rows = [
        {"item": f"i{item}", "part": part, "kind": stamp.kind, "model": stamp.model,
         "version": stamp.version if same else "old", "error": "broken" if failed else None}
        for item, part, stamp, same, failed in done
    ]  # fmt: skip
    names = [("item", pa.string()), ("part", pa.int32())]
    names += [(name, pa.string()) for name in ("kind", "model", "version", "error")]
    return parts, pa.Table.from_pylist(rows, pa.schema(names))


@settings(deadline=None)
@given(items, done, st.booleans())
def test_equals_the_loops(items, done, retry):
    finished = {
        (f"i{item}", part, stamp.kind) for item, part, stamp, same, failed in done if same and not (failed and retry)
    }
    expected = {}
    for number, parts in enumerate(items):
        for part, kind in enumerate(parts):
            for stamp in WANTED:
                fits = part == 0 if stamp.once else kind in stamp.parts
                if fits and (f"i{number}", part, stamp.kind) not in finished:
                    expected.setdefault(f"i{number}", set()).add(f"{part}/{stamp.kind}")
    plan = left_to_read(*tables(items, done), WANTED, retry=retry).to_pylist()
    assert {row["item"]: set(row["work"]) for row in plan} == expected
    assert [row["item"] for row in plan] == [f"i{n}" for n in range(len(items)) if f"i{n}" in expected]


def test_a_new_version_reads_only_its_own_kind_again():
    parts, provenance = tables([["text", "image"]], {(0, 1, WORDS, True, False), (0, 1, HASH, True, False)})
    newer = WORDS._replace(version="2")
    assert left_to_read(parts, provenance, [newer, HASH]).to_pylist() == [{"item": "i0", "work": ["1/ocr"]}]


def test_nothing_wanted_is_nothing_to_do():
    assert left_to_read(*tables([["text"]], set()), []).num_rows == 0


def test_a_hundred_thousand_items_are_planned_by_columns():
    count = 100_000
    parts = pa.table({"id": [f"i{n}" for n in range(count)], "parts": [["text", "image"]] * count})
    _, provenance = tables([], set())
    assert left_to_read(parts, provenance, WANTED).num_rows == count
