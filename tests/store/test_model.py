"""Any sequence of adding, reading, switching encoders, judging, removing and upkeep equals a plain dictionary."""

import tempfile
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alciato.store import Collection
from store.conftest import EncoderDouble, embeddings_of, encoded, ocr, picture_post
from store.test_verdicts import verdict

ENCODERS = (EncoderDouble(), EncoderDouble("double:b", "b", 5))
NUMBERS = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("add"), NUMBERS),
    st.tuples(st.just("remove"), NUMBERS),
    st.tuples(st.just("read"), NUMBERS, st.sampled_from(ENCODERS), st.sampled_from(["ONE", "TWO", None])),
    st.tuples(st.just("encode"), NUMBERS, st.sampled_from(ENCODERS)),
    st.tuples(st.just("judge"), NUMBERS, st.sampled_from(["allow", "remove"])),
    st.tuples(st.just("maintain")),
    st.tuples(st.just("open")),
)


@dataclass
class Model:
    """What a collection should hold: texts read by item, encoded texts by encoder and item, the newest decisions."""

    items: list[str] = field(default_factory=list)
    texts: dict[str, str | None] = field(default_factory=dict)
    vectors: dict[str, dict[str, str]] = field(default_factory=dict)
    encoded: set[tuple[str, str]] = field(default_factory=set)
    decisions: dict[str, str] = field(default_factory=dict)
    history: int = 0


def apply(model: Model, collection: Collection, step: tuple) -> None:
    """Do one step to both."""
    kind, number = step[0], step[1] if len(step) > 1 else 0
    item = f"q{number}"
    if kind == "add":
        collection.add([picture_post(number)])
        model.items += [] if item in model.items else [item]
    elif kind == "maintain":
        collection.maintain(force=True)
    elif item not in model.items:
        return
    elif kind == "remove":
        collection.remove([item])
        model.items.remove(item)
        model.texts.pop(item, None)
        model.decisions.pop(item, None)
        model.encoded = {pair for pair in model.encoded if pair[0] != item}
        for rows in model.vectors.values():
            rows.pop(item, None)
    elif kind == "read":
        _read(model, collection, item, step[2], step[3])
    elif kind == "encode":
        _encode(model, collection, item, step[2])
    elif kind == "judge":
        collection.save_verdicts([verdict(step[2], item=item, day=1 + model.history % 28)])
        _judged(model, item, step[2])


def _read(model: Model, collection: Collection, item: str, encoder: EncoderDouble, text: str | None) -> None:
    reading, segments = ocr(item, text)
    collection.save_readings(
        [reading, encoded(item, encoder)], segments, [(encoder, encoder.encode(segments))], replaced={item: ["ocr"]}
    )
    if text != model.texts.get(item):
        for rows in model.vectors.values():
            rows.pop(item, None)
        if text is not None:  # what goes needs no vector: an item without words stays encoded
            model.encoded = {pair for pair in model.encoded if pair[0] != item}
    model.texts[item] = text
    model.encoded.add((item, encoder.fingerprint))
    if text is not None:
        model.vectors.setdefault(encoder.fingerprint, {})[item] = text


def _encode(model: Model, collection: Collection, item: str, encoder: EncoderDouble) -> None:
    stored = list(collection.segments([item]))
    collection.save_readings([encoded(item, encoder)], stored, [(encoder, encoder.encode(stored))], replaced={})
    model.encoded.add((item, encoder.fingerprint))
    if (text := model.texts.get(item)) is not None:
        model.vectors.setdefault(encoder.fingerprint, {})[item] = text


def _judged(model: Model, item: str, decision: str) -> None:
    """Days grow with the history as long as it is short, so the last verdict is the newest."""
    model.history += 1
    model.decisions[item] = decision


def assert_equal(model: Model, collection: Collection) -> None:
    assert collection.ids() == model.items
    found = {segment.item: segment.text for segment in collection.segments()}
    assert found == {item: text for item, text in model.texts.items() if text is not None}
    assert {row["sha"] for row in collection.stream("media", ["sha"])} == {
        picture_post(int(item[1:])).item.parts[0].media for item in model.items
    }
    rows = [row for row in collection.provenance().to_pylist() if row["kind"] == "encode"]
    assert {(row["item"], row["version"]) for row in rows} == model.encoded
    assert len(rows) == len(model.encoded)
    for encoder in ENCODERS:
        expected = {
            f"{item}/0/ocr/0": encoder.encode(ocr(item, text)[1])[f"{item}/0/ocr/0"].tolist()
            for item, text in model.vectors.get(encoder.fingerprint, {}).items()
        }
        assert embeddings_of(collection).get(encoder.fingerprint, {}) == expected
    assert {one.item: one.decision for one in collection.verdicts()} == model.decisions
    assert len(list(collection.verdicts(history=True))) == model.history
    assert collection.check() == []


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=4, max_size=16))
def test_a_collection_equals_its_model(steps: list[tuple]):
    with tempfile.TemporaryDirectory() as folder:
        model, collection = Model(), Collection.open(folder)
        for step in steps:
            if step[0] == "open":
                collection = Collection.open(folder, create=False)
            apply(model, collection, step)
        assert_equal(model, collection)
