import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alciato.item import Item
from alciato.item.values import clean_text, iso_time, json_value, plain_cell
from item_strategies import json_values

NOON = "2024-05-01T12:00:00Z"


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-01T12:00:00Z", "2024-05-01 12:00:00", "2024-05-01T14:00:00+02:00", "20240501T120000",
        "2024/05/01 12:00", "2024.5.1 12:00:00 UTC", "2024-05-01 14:00:00 +0200", "2024-05-01 12:00:00 GMT",
        "1714564800", 1714564800, 1714564800.0, "1714564800.0", 1714564800000, "1714564800000000",
        1714564800000000000, "Wed, 01 May 2024 14:00:00 +0200", "Wed May 01 12:00:00 +0000 2024",
        datetime.datetime(2024, 5, 1, 12), datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC),
    ],
)  # fmt: skip
def test_times_in_the_usual_forms(written):
    assert iso_time(written) == NOON


@pytest.mark.parametrize("written", ["2024-05-01", "2024/5/1", "20240501", datetime.date(2024, 5, 1)])
def test_days(written):
    assert iso_time(written) == "2024-05-01T00:00:00Z"


def test_a_year():
    assert iso_time("2024") == iso_time(2024) == "2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "written",
    ["05/04/2024", "yesterday", "", "12", True, None, [], "2024-13-45", "9" * 19 + "0", math.nan, 10**30, "0000"],
)
def test_what_would_need_guessing_is_no_time(written):
    assert iso_time(written) is None


@given(st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(datetime.UTC)))
def test_iso_times_come_back(moment):
    assert datetime.datetime.fromisoformat(iso_time(moment.isoformat())) == moment


@given(st.integers(10**9, 4 * 10**9), st.sampled_from([1, 1000, 10**6, 10**9]))
def test_the_digits_tell_the_unit(seconds, unit):
    expected = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    if len(str(seconds)) == 10:
        assert datetime.datetime.fromisoformat(iso_time(seconds * unit)) == expected


@given(json_values)
def test_json_values_stay_as_they_are(value):
    assert repr(json_value(value)) == repr(value)


@given(
    st.recursive(st.floats() | st.text() | st.binary() | st.none(), lambda inner: st.lists(inner) | st.tuples(inner))
)
def test_whatever_comes_becomes_metadata_that_an_item_takes(value):
    item = Item(id="a", metadata={"x": json_value(value)})
    assert repr(Item.model_validate_json(item.model_dump_json())) == repr(item)


def test_what_json_has_no_word_for():
    values = [math.nan, math.inf, np.int64(3), np.array([1.5]), b"abc", (1, 2), datetime.date(2024, 5, 1), 1 << 15_000]
    expected = [None, None, 3, [1.5], "3 bytes", [1, 2], "2024-05-01", hex(1 << 15_000)]
    assert json_value(values) == expected


@given(st.text())
def test_clean_text_can_be_written_and_changes_nothing_else(text):
    cleaned = clean_text(text)
    cleaned.encode()
    if "\ufffd" not in cleaned:
        assert cleaned == text


def test_two_halves_of_a_pair_become_the_character():
    assert clean_text("\ud83d\ude00 \ud83d") == "😀 \ufffd"


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1), ("-1", -1), ("1.5", 1.5), ("007", "007"), ("1.50", "1.50"), ("+1", "+1"), ("1_0", "1_0"), ("", None),
     ("nan", "nan"), ("inf", "inf"), ("1e400", "1e400"), ("9" * 24, int("9" * 24)), ("9" * 30, "9" * 30), ("٣", "٣"),
     (" 1", " 1"), ("true", "true")],
)  # fmt: skip
def test_cells_are_numbers_only_where_nothing_is_lost(cell, value):
    assert (plain_cell(cell), type(plain_cell(cell))) == (value, type(value))
