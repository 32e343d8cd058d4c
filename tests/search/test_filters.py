"""Conditions are checked before the store sees them; each one that is accepted runs on a real table."""

from datetime import UTC, datetime

import lancedb
import pyarrow as pa
import pytest

from alciato.errors import UsageError
from alciato.library import Library
from alciato.search.filters import ITEM, MAX_DEPTH, MAX_LENGTH, SEGMENT, checked_filter, filter_error
from search_doubles import FakeRuntime, WordEncoder, collection_of, text_post

ACCEPTED = {
    "created_at > '2024-01-01'": "created_at > CAST('2024-01-01 00:00:00' AS TIMESTAMP)",
    "'2024-01-01' <= created_at": "CAST('2024-01-01 00:00:00' AS TIMESTAMP) <= created_at",
    "created_at > '2024-05-01T18:30:00+02:00'": "created_at > CAST('2024-05-01 16:30:00' AS TIMESTAMP)",
    "created_at > timestamp '2024-01-01'": "created_at > CAST('2024-01-01' AS TIMESTAMP)",
    "date '2024-01-01' < created_at": "CAST('2024-01-01' AS DATE) < created_at",
    "created_at > '2024-01-01' and author = 'zork'": (
        "created_at > CAST('2024-01-01 00:00:00' AS TIMESTAMP) AND author = 'zork'"
    ),
    "created_at > '2024-01-01' and 'zork' = author": (
        "created_at > CAST('2024-01-01 00:00:00' AS TIMESTAMP) AND 'zork' = author"
    ),
    "created_at between '2024-01-01' and '2024-02-01'": (
        "created_at BETWEEN CAST('2024-01-01 00:00:00' AS TIMESTAMP) AND CAST('2024-02-01 00:00:00' AS TIMESTAMP)"
    ),
    "created_at in ('2024-01-01')": "created_at IN (CAST('2024-01-01 00:00:00' AS TIMESTAMP))",
    "author in ('zork', 'it''s me')": "author IN ('zork', 'it''s me')",
    "date_part('year', created_at) = 2024": "DATE_PART('year', created_at) = 2024",
    "not (label is null) or lower(author) like 'z%'": "NOT (label IS NULL) OR LOWER(author) LIKE 'z%'",
    "not not (author = 'zork')": "NOT NOT (author = 'zork')",
    "text ilike '%Cat%' and kind <> 'ocr'": "text ILIKE '%Cat%' AND kind <> 'ocr'",
    "contains(text, 'cat') and starts_with(item, 'a')": "CONTAINS(text, 'cat') AND STARTS_WITH(item, 'a')",
    "ends_with(upper(text), 'T') or regexp_like(text, '^c')": "ENDS_WITH(UPPER(text), 'T') OR REGEXP_LIKE(text, '^c')",
    "length(text) % 2 + 1 = 2 and -1 < part": "LENGTH(text) % 2 + 1 = 2 AND -1 < part",
    "starts_with(text, 'c') is true": "STARTS_WITH(text, 'c') IS TRUE",
    "label is not null": "NOT label IS NULL",
}
REFUSED = {
    "autor = 'zork'": "Did you mean 'author'",
    "pg_sleep(3) = 1": "no function is named 'pg_sleep'",
    "author = 'zork'; drop table items": "semicolon",
    "author = 'zork' -- and more": "comment",
    "author = 'zork": "string does not close",
    "(author = 'zork'": "brackets",
    "author = 'zork')": "brackets",
    "author = = 'zork'": "cannot be understood",
    "created_at > 'yesterday'": "is no time",
    "created_at > timestamp 'yesterday'": "is no time",
    "select author from items": "cannot be understood",
    "author in (select author)": "cannot be understood",
    "part = (select 1)": "not allowed",
    "case when part = 1 then true end": "no function is named|not allowed",
    "cast(part as text) = '1'": "not allowed",
    'author = "zork"': "single quotes",
    "items.author = 'zork'": "no column",
    "author = ?": "not allowed",
    "author": "no condition",
    "part = 1e": "not allowed",
    "part = 1e+": "not allowed|cannot be understood",
    "part + 1": "no condition",
    "part = 'zork'": "compares part .a number. with",
    "created_at = part": "compares",
    "author and part = 1": "author is a text",
    "lower(part) = 'x'": "part is a number",
    "length(text, text) = 1": "cannot be understood|takes 1",
    "date_part('year') = 1": "takes 2",
    "kind = 'image'": "no kind of segment is named 'image'",
    "kind in ('ocr', 'picture', 'photo')": "no kind of segment is named 'photo'",
    "vector is null": "no column is named 'vector'",
    "  ": "empty",
    "author = 'a\0b'": r"holds '\\x00'",
    "author = '\ud800'": r"holds '\\ud800'",
    "part = 99999999999999999999": "too large",
    "part < -9223372036854775808": "too large",
    "part in (1, 9223372036854775808)": "too large",
    "part = " + "9" * 3_900: "too large",
    "part = 1e400": "too large",
    "show tables": "cannot be understood",
    "explain select 1": "cannot be understood",
    "alter table x": "cannot be understood",
    "vacuum": "no column",
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table with the columns of segments."""
    types = {"text": pa.string(), "number": pa.int32(), "time": pa.timestamp("us", tz="UTC")}
    values = {"text": "cat", "number": 0, "time": datetime(2024, 6, 1, tzinfo=UTC)}
    columns = {name: pa.array([values[kind]], types[kind]) for name, kind in {**ITEM, **SEGMENT}.items()}
    return lancedb.connect(tmp_path_factory.mktemp("filters")).create_table("segments", pa.table(columns))


@pytest.mark.parametrize("written", ACCEPTED)
def test_what_is_accepted_and_how_the_store_gets_it(written, table):
    given = checked_filter(written)
    assert given == ACCEPTED[written]
    assert checked_filter(given) == given, "writing it again changes nothing"
    assert table.count_rows(given) in (0, 1)


@pytest.mark.parametrize("written", REFUSED)
def test_errors_say_what_is_wrong_and_what_to_do(written, caplog):
    with pytest.raises(UsageError, match=REFUSED[written]) as caught:
        checked_filter(written)
    assert caught.value.remedy
    assert len(caught.value.what.splitlines()) == 1
    assert caplog.records == [], "the parser's own remarks would reach the terminal"


RUNS_WRONG = {
    "length(author) % 0 = 1": "Divide by zero error.",
    "date_part('bogus', created_at) = 1": "Date part 'bogus' not supported.",
    "regexp_like(author, '(')": "the regular expression is not valid: unclosed group.",
    "regexp_like(author, 'a{99999}{9999}')": "did not compile",
}


@pytest.mark.parametrize("written", RUNS_WRONG)
def test_a_filter_that_fails_on_the_rows_is_no_damage(written, tmp_path):
    library = Library(collection_of(tmp_path / "c", {"a": "the cat"}), FakeRuntime(tmp_path, WordEncoder()))
    library.collection.add([text_post("b", "the dog", author="zork", created_at="2024-06-01T00:00:00Z")])
    for call in (
        lambda: library.ids(written),
        lambda: list(library.items(where=written)),
        lambda: library.search("dog", where=written),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert RUNS_WRONG[written] in str(caught.value)
        assert "/rust" not in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_a_kind_that_no_segment_has_names_the_kinds_that_exist():
    with pytest.raises(UsageError, match="picture"):
        checked_filter("kind = 'image'")


def test_no_filter_is_no_filter():
    assert checked_filter(None) is None


@pytest.mark.parametrize(
    "written",
    [
        "part = 1" + " + 1" * 5_000,
        "part = 1" + " and part = 1" * 5_000,
        "part = 1" + " + 1" * 900,
        "(" * 2_000 + "part = 1" + ")" * 2_000,
        "(" * (MAX_DEPTH + 1) + "part = 1" + ")" * (MAX_DEPTH + 1),
        "not " * 900 + "part = 1",
        "not (" * 700 + "part = 1" + ")" * 700,
        "part = " + "- " * 900 + "1",
        "lower(" * 600 + "author" + ")" * 600 + " = 'x'",
        "author = '" + "x" * MAX_LENGTH + "'",
    ],
)
def test_a_long_or_deep_filter_is_refused_before_it_is_parsed(written):
    with pytest.raises(UsageError, match="at most") as caught:
        checked_filter(written)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "written",
    [
        "(" * MAX_DEPTH + "part = 1" + ")" * MAX_DEPTH,
        "part = 1" + " + 1" * 190,
        "part = 1" + " or part = 1" * 95,
        "not (" * (MAX_DEPTH - 2) + "part = 1" + ")" * (MAX_DEPTH - 2),
        "author in (" + ", ".join(["'x'"] * 180) + ")",
    ],
)
def test_what_the_bounds_allow_runs_in_the_store(written, table):
    assert table.count_rows(checked_filter(written)) == 0


def test_items_have_their_own_columns():
    assert checked_filter("id = 'a' and added_at > '2024-01-01'", ITEM).startswith("id = 'a'")
    with pytest.raises(UsageError, match="no column is named 'kind'"):
        checked_filter("kind = 'ocr'", ITEM)
    with pytest.raises(UsageError, match="no column is named 'added_at'"):
        checked_filter("added_at > '2024-01-01'", SEGMENT)


def test_the_id_of_a_post_has_two_names_that_every_filter_takes():
    for columns, name in ((ITEM, "id"), (SEGMENT, "item")):
        assert checked_filter("id = 'a' or item in ('b', 'c')", columns) == f"{name} = 'a' OR {name} IN ('b', 'c')"


def test_an_error_of_the_store_does_not_show_its_private_columns():
    told = str(filter_error("x = 1", ValueError("No field named x. Valid fields are id, words, grams, vector.")))
    assert "No field named x" in told
    assert "grams" not in told


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_utc_cannot_hold_is_an_error_that_names_it(time):
    with pytest.raises(UsageError, match="is no time"):
        checked_filter(f"created_at > '{time}'")
