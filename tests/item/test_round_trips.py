import json
import math

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from alciato.item import Item, Table, Text
from alciato.item.arrow import item_schema, items_from_arrow, items_to_arrow
from item_strategies import items


def exact(item):
    """What equality does not see: 1, 1.0 and True are equal in Python, and so are 0.0 and -0.0."""
    return repr(item)


@given(items)
def test_json_gives_the_same_item_back(item):
    back = Item.model_validate_json(item.model_dump_json())
    assert exact(back) == exact(item)


@given(items)
def test_plain_json_gives_the_same_item_back(item):
    back = Item.model_validate(json.loads(json.dumps(item.model_dump(mode="json"))))
    assert exact(back) == exact(item)


@settings(deadline=None)
@given(items)
def test_arrow_gives_the_same_item_back(item):
    table = items_to_arrow([item, item])
    assert table.schema.equals(item_schema())
    assert [exact(back) for back in items_from_arrow(table)] == [exact(item)] * 2


def test_no_items_are_an_empty_arrow_table_with_the_full_schema():
    table = items_to_arrow([])
    assert table.num_rows == 0
    assert list(items_from_arrow(table)) == []


def test_arrow_survives_parquet(tmp_path):
    import pyarrow.parquet as pq

    item = Item.of([Text(text="naïve ভাষা 🪐\0"), Table(columns=("a",), rows=((True,), (1,), (1.0,), (-0.0,), (None,)))])
    pq.write_table(items_to_arrow([item]), tmp_path / "items.parquet")
    assert [exact(back) for back in items_from_arrow(pq.read_table(tmp_path / "items.parquet"))] == [exact(item)]


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, "\ud800", 1 << 14_001], ids=["nan", "inf", "-inf", "surrogate", "long"]
)
def test_what_json_cannot_hold_is_refused_at_once(bad):
    with pytest.raises(ValidationError):
        Table(columns=("a",), rows=((bad,),))
    with pytest.raises(ValidationError):
        Item(id="a", metadata={"x": [bad]})


def test_half_a_surrogate_pair_is_refused_in_text():
    with pytest.raises(ValidationError, match="surrogate"):
        Text(text="a\udc00b")


def test_metadata_nested_without_end_is_refused():
    value = []
    for _ in range(70):
        value = [value]
    with pytest.raises(ValidationError, match="64 levels"):
        Item(id="a", metadata={"x": value})


def test_a_ragged_table_is_refused_with_its_row():
    with pytest.raises(ValidationError, match="row 1 has 1 cells, but there are 2 columns"):
        Table(columns=("a", "b"), rows=((1, 2), (3,)))


def test_the_same_parts_have_the_same_id_whatever_the_file_is_called():
    assert Item.of([Text(text="a", name="x")]).id == Item.of([Text(text="a", name="y")]).id
    assert Item.of([Text(text="a")]).id != Item.of([Text(text="b")]).id
    assert Item.of([Table(columns=("a",), rows=((1,),))]).id != Item.of([Table(columns=("a",), rows=((True,),))]).id
